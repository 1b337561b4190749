// A Speech resource. The custom subdomain is what Microsoft Entra tokens need; the identity reads the audio.
param name string
param location string
param tags object
param tier string
param disableKeys bool
param closed bool

resource speech 'Microsoft.CognitiveServices/accounts@2024-10-01' = {
  name: name
  location: location
  tags: tags
  kind: 'SpeechServices'
  sku: { name: tier }
  identity: { type: 'SystemAssigned' }
  properties: {
    customSubDomainName: name
    disableLocalAuth: disableKeys
    publicNetworkAccess: closed ? 'Disabled' : 'Enabled'
  }
}
