metadata description = 'The Service Bus namespace with the requests and results queues. No key can be used with it.'

@description('Required. Name of the namespace.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Premium where private endpoints are asked for: Standard has none.')
@allowed(['Standard', 'Premium'])
param sku string

@description('Required. Name of the queue that carries requests.')
param requestsQueueName string

@description('Required. Name of the queue, or topic, that carries results.')
param resultsEntityName string

@description('Required. Results go to a topic with a subscription per consumer instead of a queue.')
param resultsAsTopic bool

@description('Required. Names of the consumers of the results topic; each gets a subscription of its own.')
param resultsConsumers string[]

@description('Required. Reachable from the public network?')
param publicNetworkAccess bool

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: sku
    capacity: sku == 'Premium' ? 1 : null
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
  }
}

resource requests 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: requestsQueueName
  properties: {
    // Events on one resource within seconds carry one message id; the queue drops the repeats.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
    // The host redelivers a failed request at once: a fault of seconds must not use up a request's deliveries.
    maxDeliveryCount: 100
    // Two looks at one cluster never overlap: its requests share a session, and a session has one receiver. ARM cannot
    // change this in a queue that stands.
    requiresSession: true
    // The host renews the lock while a call lasts; a host that dies keeps its clusters waiting until it ends.
    lockDuration: 'PT1M'
    // Requests give up after a day; what is older than a week was never looked at and must be seen.
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: true
    maxSizeInMegabytes: 5120
  }
}

resource resultsQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = if (!resultsAsTopic) {
  parent: namespace
  name: resultsEntityName
  properties: {
    // A result's id holds for a day: a redelivered request, or a daily repeat of what is wrong, is dropped.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'P1D'
    maxDeliveryCount: 10
    lockDuration: 'PT1M'
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    maxSizeInMegabytes: 5120
  }
}

resource resultsTopic 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = if (resultsAsTopic) {
  parent: namespace
  name: resultsEntityName
  properties: {
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'P1D'
    defaultMessageTimeToLive: 'P14D'
    maxSizeInMegabytes: 5120
  }
}

resource resultsSubscriptions 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = [
  for consumer in resultsAsTopic ? resultsConsumers : []: {
    parent: resultsTopic
    name: consumer
    properties: {
      maxDeliveryCount: 10
      lockDuration: 'PT1M'
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: true
    }
  }
]

@description('Name of the namespace.')
output name string = namespace.name

@description('Resource id of the namespace.')
output resourceId string = namespace.id

@description('Host name of the namespace.')
output fullyQualifiedNamespace string = split(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':')[0]
