using '../main.bicep'

// Storage and Service Bus behind private endpoints, the platform apps known, one instance of each function kept warm.
param environmentName = 'private'
param location = 'westeurope'
param privateNetwork = true
param alwaysReadyInstances = 1
param clusterWriters = false
param platformPrincipalIds = [
  'aaaaaaaa-0000-4000-8000-000000000001'
  'aaaaaaaa-0000-4000-8000-000000000002'
]
param alertEmails = ['platform@example.com']
param createEventSubscriptions = true
