// The app on Flex Consumption. Everything that it reaches it reaches with its user-assigned identity.
param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param instanceMemoryMB int
param maximumInstanceCount int
param zoneRedundant bool
param hostStorageName string
param deploymentContainerUrl string
param dataBlobUri string
param dataQueueUri string
// That of SPEECH_ENDPOINT first.
param speechEndpoints array
param speechApiVersion string
param audioAccess string
param defaultLocale string
param transcriptionHours int
param missedAudioHours int
param webhookSecretReference string
param webhookPreviousSecretReference string
param applicationInsightsName string
param subnetId string

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
    }
  }

  resource noScmPassword 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource noFtpPassword 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    // The host
    AzureWebJobsStorage__accountName: hostStorageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // The worker exports its own telemetry, so the host does not export it a second time; nothing goes to anybody else.
    PYTHON_ENABLE_OPENTELEMETRY: 'true'
    APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL: 'true'
    APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED: 'true'
    PYTHON_THREADPOOL_THREAD_COUNT: '32'
    // Events come through the queue, so the blob trigger, which would need a key of the host, stays off.
    'AzureWebJobs.intake_audio.Disabled': 'true'
    // Which identity azure-identity uses in the app's own clients
    AZURE_CLIENT_ID: identityClientId
    // The app
    DATA_STORAGE__blobServiceUri: dataBlobUri
    DATA_STORAGE__queueServiceUri: dataQueueUri
    DATA_STORAGE__credential: 'managedidentity'
    DATA_STORAGE__clientId: identityClientId
    BLOB_TRIGGER_SOURCE: 'EventGrid'
    SPEECH_ENDPOINT: speechEndpoints[0]
    SPEECH_MORE_ENDPOINTS: join(skip(speechEndpoints, 1), ',')
    SPEECH_API_VERSION: speechApiVersion
    AUDIO_ACCESS: audioAccess
    DEFAULT_LOCALE: defaultLocale
    TRANSCRIPTION_HOURS: string(transcriptionHours)
    MISSED_AUDIO_HOURS: string(missedAudioHours)
    WEBHOOK_SECRET: webhookSecretReference
    WEBHOOK_PREVIOUS_SECRET: webhookPreviousSecretReference
    WEBHOOK_URL: 'https://${app.properties.defaultHostName}/api/speech/events'
  }
}

output name string = app.name
output healthUrl string = 'https://${app.properties.defaultHostName}/api/health'
