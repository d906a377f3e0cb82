metadata description = 'One system topic of a managed subscription, its event subscription to the function, and the alert on what could not be delivered.'

import { deliveryType } from 'types.bicep'

@description('Required. Name of the system topic.')
param topicName string

@description('Required. The topic is somebody else\'s: it is used as it is.')
param topicExists bool

@description('Required. What the topic tells of.')
@allowed(['Microsoft.Resources.Subscriptions', 'Microsoft.ResourceNotifications.Resources'])
param topicType string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Where events go.')
param delivery deliveryType

@description('Required. Which events go there.')
param filter resourceInput<'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15'>.properties.filter

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (!topicExists) {
  name: topicName
  location: 'global'
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${delivery.identityId}': {} }
  }
  properties: {
    source: subscription().id
    topicType: topicType
  }
}

resource anyTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource eventSubscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = if (delivery.createEventSubscriptions) {
  parent: anyTopic
  dependsOn: [topic]
  name: 'vaultbind'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: delivery.functionId
        // A failed event brings its whole batch back: one event a delivery keeps good ones from repeating.
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    filter: filter
    // A day of tries, with growing pauses: the longest that Event Grid offers.
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'UserAssigned'
        userAssignedIdentity: delivery.identityId
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: delivery.storageId
          blobContainerName: delivery.deadLettersContainer
        }
      }
    }
  }
}

resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'vaultbind-undelivered-${topicName}'
  location: 'global'
  tags: tags
  dependsOn: [topic]
  properties: {
    description: 'Events could not be delivered to the function for a day. Nothing is lost for good: the next sweep looks at everything.'
    severity: 2
    enabled: true
    scopes: [anyTopic.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'deadLettered'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'DeadLetteredCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: delivery.?actionGroupId == null ? [] : [{ actionGroupId: delivery.?actionGroupId }]
  }
}

@description('Name of the system topic.')
output name string = topicName
