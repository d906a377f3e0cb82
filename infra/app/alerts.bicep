metadata description = 'Whom to tell, and of what: dead letters, failures, requests that wait for hours or that nobody reads, sweeps that do not come.'

@description('Required. Region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. E-mail addresses that alerts go to.')
param emails string[]

@description('Required. Name of the workspace with the logs.')
param workspaceName string

@description('Required. Name of the Service Bus namespace.')
param namespaceName string

@description('Required. Name of the queue that carries requests.')
param requestsQueueName string

@description('Required. Hours between two sweeps.')
param resyncPeriodHours int

// The file has the query for the default period, so that it is a query as it stands.
var noSweep = replace(
  loadTextContent('../queries/alert-no-sweep.kql'),
  'let TwoPeriods = 12h;',
  'let TwoPeriods = ${2 * resyncPeriodHours}h;'
)

var rules = [
  {
    name: 'vaultbind-failed'
    description: 'Vaultbind gave up on a cluster. The result, and the workbook, say why and what to do.'
    query: loadTextContent('../queries/alert-failed.kql')
    range: null
    frequency: 'PT15M'
    severity: 2
  }
  {
    name: 'vaultbind-errors'
    description: 'Vaultbind logged an error that belongs to no result.'
    query: loadTextContent('../queries/alert-errors.kql')
    range: null
    frequency: 'PT15M'
    severity: 2
  }
  {
    name: 'vaultbind-request-age'
    description: 'A request is put off for hours: Azure refuses something for longer than it should.'
    query: loadTextContent('../queries/alert-request-age.kql')
    range: null
    frequency: 'PT1H'
    severity: 3
  }
  {
    name: 'vaultbind-no-sweep'
    description: 'No sweep in two periods: without VAULTBIND_RESYNC_SCHEDULE the host leaves the timer function out in silence.'
    query: noSweep
    range: 'P2D'
    frequency: 'PT1H'
    severity: 1
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: 'vaultbind'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'vaultbind'
    enabled: true
    emailReceivers: [
      for (email, index) in emails: {
        name: 'email-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

// One definition of what a log line of Vaultbind is: rules, workbook and people ask for `VaultbindLog`.
resource log 'Microsoft.OperationalInsights/workspaces/savedSearches@2020-08-01' = {
  parent: workspace
  name: 'vaultbind-log'
  properties: {
    category: 'Vaultbind'
    displayName: 'VaultbindLog'
    functionAlias: 'VaultbindLog'
    query: loadTextContent('../queries/log.kql')
    version: 2
  }
}

resource story 'Microsoft.OperationalInsights/workspaces/savedSearches@2020-08-01' = {
  parent: workspace
  name: 'vaultbind-story'
  properties: {
    category: 'Vaultbind'
    displayName: 'Vaultbind: everything about one cluster'
    query: loadTextContent('../queries/story.kql')
    version: 2
  }
}

resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: rule.name
    location: location
    tags: tags
    dependsOn: [log]
    properties: {
      displayName: rule.name
      description: rule.description
      enabled: true
      severity: rule.severity
      scopes: [workspace.id]
      evaluationFrequency: rule.frequency
      windowSize: rule.frequency
      overrideQueryTimeRange: rule.range
      // The saved function may not be there yet when a rule is made.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: { actionGroups: empty(emails) ? [] : [people.id] }
    }
  }
]

resource deadLetters 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'vaultbind-dead-letters'
  location: 'global'
  tags: tags
  properties: {
    description: 'Messages ended as dead letters: requests that could not be processed, or results that nobody took.'
    severity: 1
    enabled: true
    scopes: [namespace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'deadLettered'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'DeadletteredMessages'
          timeAggregation: 'Average'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'EntityName', operator: 'Include', values: ['*'] }]
        }
      ]
    }
    actions: empty(emails) ? [] : [{ actionGroupId: people.id }]
  }
}

// The log tells of requests that are looked at; this of those that nobody looks at. What waits for its time is not active.
resource unread 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'vaultbind-unread-requests'
  location: 'global'
  tags: tags
  properties: {
    description: 'Requests have lain in the queue for an hour without a break: `reconcile` does not run, or does not keep up.'
    severity: 2
    enabled: true
    scopes: [namespace.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'unread'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'ActiveMessages'
          timeAggregation: 'Minimum'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'EntityName', operator: 'Include', values: [requestsQueueName] }]
        }
      ]
    }
    actions: empty(emails) ? [] : [{ actionGroupId: people.id }]
  }
}

@description('Resource id of whom alerts tell; none without e-mail addresses.')
output actionGroupId string? = empty(emails) ? null : people.id
