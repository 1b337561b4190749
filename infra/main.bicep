// Dropscribe: the function app and everything that it reaches, with identities in place of keys.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; the resource group is named after it.')
param environmentName string

@minLength(1)
@description('Region of every resource; Flex Consumption and Speech must be offered there.')
@metadata({ azd: { type: 'location' } })
param location string

@maxLength(90)
@description('Name of the resource group; empty makes it rg- and environmentName.')
param resourceGroupName string = ''

@minLength(2)
@maxLength(16)
@description('Word in the names of the resources, in lower case; what must be unique in the world gets a hash after it.')
param workloadName string = 'dropscribe'

@description('Name of an existing Speech resource of tier S0 to use; empty makes a new one. It must have a custom subdomain and a system-assigned identity.')
param speechResourceName string = ''

@description('Resource group of the existing Speech resource, in this subscription.')
param speechResourceGroup string = ''

@description('Regions, separated by commas: one more Speech resource is made in each, for more quota. A region can be named more than once; add new ones at the end.')
param moreSpeechRegions string = ''

@description('Resource ids of further existing Speech resources, separated by commas; each as speechResourceName.')
param moreSpeechResources string = ''

@allowed(['F0', 'S0'])
@description('Tier of new Speech resources. F0 is free and has no batch transcription: it serves short audio alone.')
param speechSku string = 'S0'

@description('Refuse keys at new Speech resources, so that only identities get in.')
param speechDisableKeys bool = true

@allowed(['3.1', '2024-11-15', '2025-10-15'])
@description('Version of the Speech-to-text REST API.')
param speechApiVersion string = '2025-10-15'

@allowed(['identity', 'sas'])
@description('How Speech reads the audio: with its own identity, or by a user delegation SAS for each file.')
param audioAccess string = 'identity'

@minLength(5)
@description('Language of audio that says nothing else, as a locale.')
param defaultLocale string = 'en-US'

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Most instances that each function scales out to, and all HTTP functions together.')
param maximumInstanceCount int = 100

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
@description('Redundancy of both storage accounts. Decide before the first deployment.')
param storageSku string = 'Standard_LRS'

@description('Spread the app over the zones of the region. The platform then keeps two instances ready for each function, and bills them.')
param zoneRedundant bool = false

@minValue(0)
@maxValue(36500)
@description('Days after which audio is deleted; 0 keeps it. Leave room for files that wait or are retried.')
param audioRetentionDays int = 0

@minValue(0)
@maxValue(36500)
@description('Days after which transcripts and failed records are deleted; 0 keeps them.')
param resultRetentionDays int = 0

@minValue(0)
@maxValue(36500)
@description('Days after which records of closed jobs and undeliverable events are deleted; 0 keeps them.')
param recordRetentionDays int = 90

@minValue(1)
@maxValue(365)
@description('Days for which deleted blobs and containers can be brought back.')
param softDeleteDays int = 7

@minValue(6)
@maxValue(744)
@description('Hours that the Speech service keeps a finished transcription.')
param transcriptionHours int = 168

@minValue(0)
@maxValue(8760)
@description('Hours back in which the app looks, every hour, for audio whose event never came; 0 looks for none.')
param missedAudioHours int = 48

@minValue(30)
@maxValue(730)
@description('Days that logs and telemetry are kept.')
param logRetentionDays int = 30

@description('E-mail address that alerts and the budget write to; empty raises alerts in the portal alone.')
param alertEmail string = ''

@minValue(0)
@description('Monthly budget of the resource group in the currency of the subscription; 0 sets none. Needs alertEmail.')
param monthlyBudget int = 0

@description('First day of the month from which the budget counts; empty is this month. It cannot be changed later, so azd keeps it.')
param budgetStartDate string = ''

@description('First day of this month. Never pass one: only the default of a parameter can ask for the time.')
param thisMonth string = utcNow('yyyy-MM-01')

@description('Reach storage, vault and Speech through private endpoints alone, except for Azure services that are trusted.')
param privateNetworking bool = false

@description('Public addresses or ranges, separated by commas, that reach the data account in spite of privateNetworking.')
param allowedAddresses string = ''

@description('Object id of a user, group or service principal that may upload audio and read results; empty is nobody.')
param operatorPrincipalId string = ''

@secure()
@description('Secret that signs notifications when a new one is made. Never pass one: the default is random.')
param newWebhookSecret string = '${newGuid()}${newGuid()}'

@description('Version of the web hook secret in use, kept by azd from the last deployment; empty makes a new secret.')
param webhookSecretVersion string = ''

@description('Version of the web hook secret that is still accepted during a rotation; empty is none.')
param webhookPreviousSecretVersion string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var groupName = empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
var appName = 'func-${workloadName}-${token}'
var hasBudget = monthlyBudget > 0 && !empty(alertEmail)
var budgetStart = empty(budgetStartDate) ? thisMonth : budgetStartDate

var speechProvider = 'providers/Microsoft.CognitiveServices/accounts'
var moreRegions = empty(moreSpeechRegions) ? [] : split(replace(moreSpeechRegions, ' ', ''), ',')
var moreNewSpeech = [for (region, index) in moreRegions: {
  name: 'spch-${workloadName}-${token}-${region}-${index + 1}'
  location: region
}]
var firstNewSpeech = { name: 'spch-${workloadName}-${token}', location: location }
var newSpeech = concat(empty(speechResourceName) ? [firstNewSpeech] : [], moreNewSpeech)
var newSpeechIds = [for one in newSpeech: '${subscription().id}/resourceGroups/${groupName}/${speechProvider}/${one.name}']
var speechTargets = [for (one, index) in newSpeech: { name: one.name, resourceId: newSpeechIds[index], group: 'account' }]
var existingSpeechId = '${subscription().id}/resourceGroups/${speechResourceGroup}/${speechProvider}/${speechResourceName}'
// All of them, that of SPEECH_ENDPOINT first.
var speechIds = concat(
  empty(speechResourceName) ? [] : [existingSpeechId],
  newSpeechIds,
  empty(moreSpeechResources) ? [] : split(replace(moreSpeechResources, ' ', ''), ',')
)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${workloadName}-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${workloadName}-${token}'
    applicationInsightsName: 'appi-${workloadName}-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    appPrincipalId: identity.outputs.principalId
  }
}

module speech 'app/speech.bicep' = [for one in newSpeech: {
  name: one.name
  scope: group
  params: {
    name: one.name
    location: one.location
    tags: tags
    tier: speechSku
    disableKeys: speechDisableKeys
    closed: privateNetworking
  }
}]

module speechAccess 'app/speech-access.bicep' = [for (id, index) in speechIds: {
  name: 'speech-access-${index}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  params: {
    name: last(split(id, '/'))
    appPrincipalId: identity.outputs.principalId
  }
  dependsOn: [speech]
}]

module hostStorage 'app/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    closed: privateNetworking
    sku: storageSku
    appPrincipalId: identity.outputs.principalId
  }
}

module dataStorage 'app/data-storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    audioRetentionDays: audioRetentionDays
    resultRetentionDays: resultRetentionDays
    recordRetentionDays: recordRetentionDays
    softDeleteDays: softDeleteDays
    closed: privateNetworking
    sku: storageSku
    allowedAddresses: empty(allowedAddresses) ? [] : split(allowedAddresses, ',')
    appPrincipalId: identity.outputs.principalId
    speechPrincipalIds: [for index in range(0, length(speechIds)): speechAccess[index].outputs.principalId]
    operatorPrincipalId: operatorPrincipalId
  }
}

module events 'app/events.bicep' = {
  name: 'events'
  scope: group
  params: {
    name: 'evgt-${workloadName}-${token}'
    location: location
    tags: tags
    storageAccountName: dataStorage.outputs.name
    queueName: dataStorage.outputs.eventQueue
    deadLetterContainer: dataStorage.outputs.deadLetterContainer
  }
}

module webhookSecret 'app/webhook-secret.bicep' = {
  name: 'webhook-secret'
  scope: group
  params: {
    vaultName: 'kv-${token}'
    location: location
    tags: tags
    newSecret: newWebhookSecret
    currentVersion: webhookSecretVersion
    previousVersion: webhookPreviousSecretVersion
    closed: privateNetworking
    appPrincipalId: identity.outputs.principalId
  }
}

module network 'app/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-${workloadName}-${token}'
    location: location
    tags: tags
  }
}

module privateEndpoints 'app/private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    subnetId: network!.outputs.endpointSubnetId
    zoneNames: network!.outputs.zoneNames
    targets: concat([
      { name: 'host-blob', resourceId: hostStorage.outputs.id, group: 'blob' }
      { name: 'host-queue', resourceId: hostStorage.outputs.id, group: 'queue' }
      { name: 'host-table', resourceId: hostStorage.outputs.id, group: 'table' }
      { name: 'data-blob', resourceId: dataStorage.outputs.id, group: 'blob' }
      { name: 'data-queue', resourceId: dataStorage.outputs.id, group: 'queue' }
      { name: 'vault', resourceId: webhookSecret.outputs.vaultId, group: 'vault' }
    ], speechTargets)
  }
  dependsOn: [speech]
}

module functionApp 'app/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: appName
    planName: 'plan-${workloadName}-${token}'
    location: location
    tags: union(tags, { 'azd-service-name': 'dropscribe' })
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    hostStorageName: hostStorage.outputs.name
    deploymentContainerUrl: hostStorage.outputs.deploymentContainerUrl
    dataBlobUri: dataStorage.outputs.blobUri
    dataQueueUri: dataStorage.outputs.queueUri
    speechEndpoints: [for index in range(0, length(speechIds)): speechAccess[index].outputs.endpoint]
    speechApiVersion: speechApiVersion
    audioAccess: audioAccess
    defaultLocale: defaultLocale
    transcriptionHours: transcriptionHours
    missedAudioHours: missedAudioHours
    webhookSecretReference: webhookSecret.outputs.reference
    webhookPreviousSecretReference: webhookSecret.outputs.previousReference
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [privateEndpoints]
}

module eventSubscription 'app/event-subscription.bicep' = {
  name: 'event-subscription'
  scope: group
  params: {
    topicName: events.outputs.topicName
    storageAccountId: dataStorage.outputs.id
    audioContainer: dataStorage.outputs.audioContainer
    queueName: dataStorage.outputs.eventQueue
    deadLetterContainer: dataStorage.outputs.deadLetterContainer
  }
  dependsOn: [functionApp]
}

module alerts 'app/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    systemTopicId: events.outputs.systemTopicId
    healthUrl: functionApp.outputs.healthUrl
    email: alertEmail
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

module budget 'app/budget.bicep' = if (hasBudget) {
  name: 'budget'
  scope: group
  params: {
    amount: monthlyBudget
    startDate: budgetStart
    email: alertEmail
  }
}

// azd keeps outputs as environment variables; main.parameters.json hands the last three back to the next deployment.
output AZURE_RESOURCE_GROUP string = group.name
output DROPSCRIBE_APP_NAME string = functionApp.outputs.name
output DROPSCRIBE_HEALTH_URL string = functionApp.outputs.healthUrl
output DROPSCRIBE_DATA_ACCOUNT string = dataStorage.outputs.name
output DROPSCRIBE_SPEECH_ENDPOINT string = speechAccess[0].outputs.endpoint
// Not before there is a budget: Azure refuses a new one that starts in a month that is over.
output DROPSCRIBE_BUDGET_START_DATE string = hasBudget ? budgetStart : budgetStartDate
output DROPSCRIBE_WEBHOOK_SECRET_VERSION string = webhookSecret.outputs.currentVersion
output DROPSCRIBE_WEBHOOK_PREVIOUS_SECRET_VERSION string = webhookPreviousSecretVersion
