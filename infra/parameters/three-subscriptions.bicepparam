using '../main.bicep'

// Three managed subscriptions: the app's own, one with a system topic of its own, one without; results on a topic.
param environmentName = 'three'
param location = 'westeurope'
param managedSubscriptionIds = [
  '00000000-0000-4000-8000-000000000001'
  '00000000-0000-4000-8000-000000000002'
  '00000000-0000-4000-8000-000000000003'
]
param existingSystemTopics = {
  '00000000-0000-4000-8000-000000000002': {
    resourceGroup: 'rg-governance'
    name: 'egst-governance'
  }
}
param resultsAsTopic = true
param resultsConsumers = ['ticketing', 'dashboard']
param resourceNotifications = true
param resyncPeriodHours = 24
param createEventSubscriptions = true
