// The vault with the secret that signs notifications. The app's settings refer to a version of it, so that a deployment
// changes the secret only when it is asked to, and two can be valid during a rotation. No value ever leaves the vault.
param vaultName string
param location string
param tags object
@secure()
param newSecret string
param currentVersion string
param previousVersion string
param closed bool
param appPrincipalId string

var roles = loadJsonContent('../roles.json')
var secretName = 'webhook-secret'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    // No purge protection: what is lost with the vault is made anew by the next deployment.
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: closed ? 'Deny' : 'Allow'
    }
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (empty(currentVersion)) {
  parent: vault
  name: secretName
  properties: {
    contentType: 'signs notifications of the Speech service'
    value: newSecret
  }
}

resource appReadsSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, roles['Key Vault Secrets User'])
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
  }
}

var version = empty(currentVersion) ? last(split(secret!.properties.secretUriWithVersion, '/')) : currentVersion

output vaultId string = vault.id
output currentVersion string = version
output reference string = '@Microsoft.KeyVault(VaultName=${vault.name};SecretName=${secretName};SecretVersion=${version})'
output previousReference string = empty(previousVersion)
  ? ''
  : '@Microsoft.KeyVault(VaultName=${vault.name};SecretName=${secretName};SecretVersion=${previousVersion})'
