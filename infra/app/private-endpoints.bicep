// Private endpoints of what the app reaches: `targets` are objects with name, resourceId and group (blob, queue, ...).
param location string
param tags object
param subnetId string
param zoneNames object
param targets array

// One at a time: an account refuses a second change while the first is on its way.
@batchSize(1)
resource endpoints 'Microsoft.Network/privateEndpoints@2024-01-01' = [for target in targets: {
  name: 'pe-${target.name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: target.name
        properties: {
          privateLinkServiceId: target.resourceId
          groupIds: [target.group]
        }
      }
    ]
  }
}]

resource addresses 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-01-01' = [for (target, index) in targets: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.group
        properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneNames[target.group]) }
      }
    ]
  }
}]
