// The pipeline on a page: files by outcome, failures by reason, function calls, throttling, warnings.
param location string
param tags object
param applicationInsightsId string

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(applicationInsightsId, 'dropscribe')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Dropscribe'
    serializedData: replace(loadTextContent('../workbook.json'), 'APPLICATION_INSIGHTS_ID', applicationInsightsId)
    sourceId: applicationInsightsId
  }
}
