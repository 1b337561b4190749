// The app's access to a Speech resource, new or existing, in the resource group of that resource.
param name string
param appPrincipalId string

var roles = loadJsonContent('../roles.json')

resource speech 'Microsoft.CognitiveServices/accounts@2024-10-01' existing = {
  name: name
}

resource appUsesSpeech 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(speech.id, appPrincipalId, roles['Cognitive Services Speech Contributor'])
  scope: speech
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Cognitive Services Speech Contributor'])
  }
}

// Not properties.endpoint: without a custom subdomain that is the region's, which takes no tokens.
output endpoint string = 'https://${speech.properties.customSubDomainName}.cognitiveservices.azure.com'
output principalId string = speech.identity.principalId
