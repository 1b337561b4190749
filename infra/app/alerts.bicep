// Alerts. Log alerts look for what the app and its host write; docs/operations.md says what each one means.
param location string
param tags object
param applicationInsightsId string
param systemTopicId string
param healthUrl string
param email string

var minutes = 15
var logAlerts = [
  {
    name: 'dropscribe-files-failed'
    severity: 3
    description: 'Files ended with a failed record.'
    query: 'traces | where message matches regex @"^\\S+/.+ failed( at intake)?: "'
  }
  {
    name: 'dropscribe-poison-messages'
    severity: 2
    description: 'A queue message failed five times and was moved to a poison queue.'
    query: 'traces | where message has "Moving message to queue" and message has "-poison"'
  }
  {
    name: 'dropscribe-jobs-stuck'
    severity: 2
    description: 'The oldest job is open for longer than a job can take.'
    query: 'traces | where message has "is stuck: it is open for"'
  }
  {
    name: 'dropscribe-throttled'
    severity: 3
    description: 'The Speech service answered submissions with 429.'
    query: 'traces | where message has "is throttled by the service"'
  }
  {
    name: 'dropscribe-submissions-refused'
    severity: 2
    description: 'The Speech service refused a whole submission.'
    query: 'traces | where message has "was refused by the service"'
  }
  {
    name: 'dropscribe-events-lost'
    severity: 3
    description: 'Audio was found by the hourly search because its event never came.'
    query: 'traces | where message has "blobs whose events never came"'
  }
  {
    name: 'dropscribe-functions-fail'
    severity: 2
    description: 'Function calls end with an exception.'
    // Exceptions are the app's and never sampled; requests are the host's, such as after a time-out or a crash.
    query: 'union (exceptions | where isnotempty(customDimensions["function"])), (requests | where success == false and (resultCode == "500" or name in ("intake_audio", "intake_event", "receive_event", "collect_transcription", "drain_tickets", "sweep_jobs", "keep_webhook", "find_missed_audio", "health")))'
  }
]
var topicAlerts = [
  {
    name: 'dropscribe-events-dead-lettered'
    metric: 'DeadLetteredCount'
    description: 'Event Grid could not deliver events for a day and put them into the container dead-letters.'
  }
  {
    name: 'dropscribe-events-dropped'
    metric: 'DroppedEventCount'
    description: 'Event Grid could neither deliver events nor put them into the container dead-letters.'
  }
]
var testLocations = ['emea-nl-ams-azr', 'us-va-ash-azr', 'apac-sg-sin-azr']

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-dropscribe'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'dropscribe'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var actionIds = empty(email) ? [] : [actions.id]
var metricActions = empty(email) ? [] : [{ actionGroupId: actions.id }]

resource logRules 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for alert in logAlerts: {
  name: alert.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: alert.name
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [applicationInsightsId]
    // Tables of a new workspace take a while to be there, and the first deployment would fail for it.
    skipQueryValidation: true
    evaluationFrequency: 'PT${minutes}M'
    windowSize: 'PT${minutes}M'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: { actionGroups: actionIds }
  }
}]

resource topicRules 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in topicAlerts: {
  name: alert.name
  location: 'global'
  tags: tags
  properties: {
    description: alert.description
    severity: 2
    enabled: true
    scopes: [systemTopicId]
    evaluationFrequency: 'PT${minutes}M'
    windowSize: 'PT${minutes}M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: alert.metric
          metricName: alert.metric
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: metricActions
  }
}]

// The health endpoint looks at storage, Speech, the web hook and the settings, and answers 503 when one is not well.
resource healthTest 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'dropscribe-health'
  location: location
  tags: union(tags, { 'hidden-link:${applicationInsightsId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'dropscribe-health'
    Name: 'dropscribe-health'
    Enabled: true
    Frequency: 900
    Timeout: 120
    Kind: 'standard'
    RetryEnabled: true
    Locations: [for place in testLocations: { Id: place }]
    Request: {
      RequestUrl: healthUrl
      HttpVerb: 'GET'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: false
    }
  }
}

resource healthRule 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'dropscribe-unhealthy'
  location: 'global'
  tags: tags
  properties: {
    description: 'GET /api/health says that storage, Speech, the web hook or a setting is not well, or does not answer.'
    severity: 1
    enabled: true
    scopes: [healthTest.id, applicationInsightsId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT${minutes}M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: healthTest.id
      componentId: applicationInsightsId
      failedLocationCount: 2
    }
    actions: metricActions
  }
}
