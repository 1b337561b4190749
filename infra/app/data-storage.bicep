// Audio in, transcripts out, and the pipeline's own records.
param name string
param location string
param tags object
param audioRetentionDays int
param resultRetentionDays int
param recordRetentionDays int
param softDeleteDays int
param closed bool
param sku string
param allowedAddresses array
param appPrincipalId string
param speechPrincipalIds array
param operatorPrincipalId string

var roles = loadJsonContent('../roles.json')
var audioContainerName = 'audio'
var deadLetterContainerName = 'dead-letters'
var containerNames = [audioContainerName, 'transcripts', 'failed', 'pipeline', deadLetterContainerName]
var eventQueueName = 'audio-events'
var queueNames = [eventQueueName, '${eventQueueName}-poison', 'collect', 'collect-poison']

var retention = [
  { rule: 'audio', prefix: '${audioContainerName}/', days: audioRetentionDays }
  { rule: 'transcripts', prefix: 'transcripts/', days: resultRetentionDays }
  { rule: 'failed', prefix: 'failed/', days: resultRetentionDays }
  { rule: 'closed-jobs', prefix: 'pipeline/jobs/closed/', days: recordRetentionDays }
  { rule: 'dead-letters', prefix: '${deadLetterContainerName}/', days: recordRetentionDays }
]

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Denied rather than disabled where it is closed: Event Grid and Speech get in as trusted services, with their identities.
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: closed ? 'Deny' : 'Allow'
      ipRules: [for address in allowedAddresses: {
        action: 'Allow'
        value: trim(address)
      }]
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [for container in containerNames: {
  parent: blobs
  name: container
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for queue in queueNames: {
  parent: queueService
  name: queue
}]

// A rule that is not wanted is there and disabled: left out, the last deployment's policy could stay and go on deleting.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [for item in retention: {
        name: item.rule
        type: 'Lifecycle'
        enabled: item.days > 0
        definition: {
          filters: {
            blobTypes: ['blockBlob']
            prefixMatch: [item.prefix]
          }
          actions: {
            baseBlob: {
              delete: { daysAfterModificationGreaterThan: max(item.days, 1) }
            }
          }
        }
      }]
    }
  }
  dependsOn: [blobs]
}

resource audio 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: blobs
  name: audioContainerName
}

resource appUsesBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, appPrincipalId, roles['Storage Blob Data Contributor'])
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
  }
}

resource appUsesQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, appPrincipalId, roles['Storage Queue Data Contributor'])
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Queue Data Contributor'])
  }
}

// On the whole account, because a manifest can hand over another container than `audio`.
resource speechReadsAudio 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for speechPrincipalId in speechPrincipalIds: {
  name: guid(account.id, speechPrincipalId, roles['Storage Blob Data Reader'])
  scope: account
  properties: {
    principalId: speechPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Reader'])
  }
}]

// No principalType for the operator, who may be a user, a group or a service principal.
resource operatorUploadsAudio 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(audio.id, operatorPrincipalId, roles['Storage Blob Data Contributor'])
  scope: audio
  properties: {
    principalId: operatorPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
  }
  dependsOn: [containers]
}

resource operatorReadsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(account.id, operatorPrincipalId, roles['Storage Blob Data Reader'])
  scope: account
  properties: {
    principalId: operatorPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Reader'])
  }
}

output id string = account.id
output name string = account.name
output audioContainer string = audioContainerName
output deadLetterContainer string = deadLetterContainerName
output eventQueue string = eventQueueName
output blobUri string = account.properties.primaryEndpoints.blob
output queueUri string = account.properties.primaryEndpoints.queue
