metadata description = 'Vaultbind: the function app and everything that it needs. Names and wiring only; the resources are in app/.'

targetScope = 'subscription'

import { existingTopicType } from 'app/types.bicep'

@description('Required. Name of the environment; names of resources follow from it.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Required. Region of every resource.')
param location string

@description('Optional. Subscriptions whose clusters and vaults are managed.')
param managedSubscriptionIds string[] = [subscription().subscriptionId]

@description('Optional. Object ids of the two platform service principals. Where they are given, roles can be assigned to them alone.')
param platformPrincipalIds string[] = []

@description('Optional. Some rule of the policy has another writer than `platform-apps`: roles then go to identities that are not known beforehand.')
param clusterWriters bool = true

@description('Optional. Name of the queue that carries requests.')
param requestsQueueName string = 'requests'

@description('Optional. Name of the queue or topic that carries results.')
param resultsEntityName string = 'results'

@description('Optional. Results go to a topic instead of a queue.')
param resultsAsTopic bool = false

@description('Optional. Names of the consumers of the results topic.')
param resultsConsumers string[] = ['all']

@description('Optional. Hours between two sweeps over everything.')
@allowed([1, 2, 3, 4, 6, 8, 12, 24])
param resyncPeriodHours int = 6

@description('Optional. Instances that are kept warm.')
@minValue(0)
param alwaysReadyInstances int = 0

@description('Optional. The most instances there are at a time. Few suffice: all share one identity\'s request limits.')
@minValue(1)
param maximumInstanceCount int = 2

@description('Optional. Close storage and Service Bus to the public network. The namespace is Premium then.')
param privateNetwork bool = false

@description('Optional. Create the event subscriptions: the code has to be there first, so the deployment hook sets it afterwards.')
param createEventSubscriptions bool = false

@description('Optional. Listen to Azure Resource Notifications too: they tell of changed tags at once.')
param resourceNotifications bool = false

@description('Optional. System topics that managed subscriptions have already, by subscription id: Event Grid allows one a subscription.')
param existingSystemTopics { *: existingTopicType } = {}

@description('Optional. E-mail addresses that alerts go to.')
param alertEmails string[] = []

@description('Generated. Makes names unique.')
param resourceToken string = toLower(uniqueString(subscription().id, environmentName, location))

var abbreviations = loadJsonContent('abbreviations.json')
var tags = { 'azd-env-name': environmentName }
var clouds = { AzureCloud: 'public', AzureUSGovernment: 'usgov', AzureChinaCloud: 'china' }

// A step of 24 hours is no step: the schedule says midnight then.
var resyncSchedule = resyncPeriodHours == 24 ? '0 0 0 * * *' : '0 0 */${resyncPeriodHours} * * *'

var knownPrincipals = !clusterWriters && !empty(platformPrincipalIds)
var conditionTemplate = knownPrincipals
  ? loadTextContent('app/condition-known-principals.txt')
  : loadTextContent('app/condition.txt')
var condition = replace(conditionTemplate, '{principals}', '{${join(platformPrincipalIds, ', ')}}')

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${abbreviations.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbreviations.userAssignedIdentity}${resourceToken}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbreviations.logAnalyticsWorkspace}${resourceToken}'
    insightsName: '${abbreviations.applicationInsights}${resourceToken}'
    location: location
    tags: tags
  }
}

module storage 'app/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: '${abbreviations.storageAccount}${resourceToken}'
    location: location
    tags: tags
    publicNetworkAccess: !privateNetwork
  }
}

module messaging 'app/messaging.bicep' = {
  name: 'messaging'
  scope: group
  params: {
    name: '${abbreviations.serviceBusNamespace}${resourceToken}'
    location: location
    tags: tags
    sku: privateNetwork ? 'Premium' : 'Standard'
    requestsQueueName: requestsQueueName
    resultsEntityName: resultsEntityName
    resultsAsTopic: resultsAsTopic
    resultsConsumers: resultsConsumers
    publicNetworkAccess: !privateNetwork
  }
}

module network 'app/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: '${abbreviations.virtualNetwork}${resourceToken}'
    location: location
    tags: tags
    storageName: storage.outputs.name
    namespaceName: messaging.outputs.name
  }
}

module rbac 'app/rbac.bicep' = {
  name: 'rbac'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    storageName: storage.outputs.name
    namespaceName: messaging.outputs.name
    requestsQueueName: requestsQueueName
    resultsEntityName: resultsEntityName
    resultsAsTopic: resultsAsTopic
    insightsName: monitoring.outputs.name
  }
}

module vaultbind 'app/vaultbind.bicep' = {
  name: 'vaultbind'
  scope: group
  // The platform reads the package with the identity as soon as the app exists.
  dependsOn: [rbac]
  params: {
    name: '${abbreviations.functionApp}${resourceToken}'
    planName: '${abbreviations.plan}${resourceToken}'
    location: location
    tags: tags
    identityId: identity.outputs.resourceId
    identityClientId: identity.outputs.clientId
    storageBlobEndpoint: storage.outputs.blobEndpoint
    packagesContainer: storage.outputs.packagesContainer
    serviceBusNamespace: messaging.outputs.fullyQualifiedNamespace
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    requestsQueueName: requestsQueueName
    resultsEntityName: resultsEntityName
    resyncSchedule: resyncSchedule
    cloud: clouds[environment().name]
    platformPrincipalIds: platformPrincipalIds
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstanceCount: maximumInstanceCount
    subnetId: network.?outputs.appSubnetId
  }
}

module role 'app/managed-scope-role.bicep' = {
  name: 'vaultbind-role-${resourceToken}'
  params: {
    token: resourceToken
    managedSubscriptionIds: managedSubscriptionIds
  }
}

module managed 'app/managed-scope-rbac.bicep' = [
  for id in managedSubscriptionIds: {
    name: 'vaultbind-rbac-${resourceToken}'
    scope: subscription(id)
    params: {
      principalId: identity.outputs.principalId
      roleDefinitionId: role.outputs.roleDefinitionId
      condition: condition
    }
  }
]

module alerts 'app/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    emails: alertEmails
    workspaceName: monitoring.outputs.workspaceName
    namespaceName: messaging.outputs.name
    requestsQueueName: requestsQueueName
    resyncPeriodHours: resyncPeriodHours
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

// `azd down` looks here for every group of the deployment by its name, whichever subscription it lies in.
resource eventsGroup 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${group.name}-events-${resourceToken}'
  location: location
  tags: tags
}

module events 'app/event-topics.bicep' = [
  for id in managedSubscriptionIds: {
    name: 'vaultbind-events-${resourceToken}'
    scope: subscription(id)
    params: {
      groupName: eventsGroup.name
      // A subscription with a topic of its own needs no group for one.
      createGroup: id != subscription().subscriptionId && (resourceNotifications || !contains(existingSystemTopics, id))
      location: location
      tags: tags
      token: resourceToken
      topicPrefix: abbreviations.eventGridSystemTopic
      existingTopic: existingSystemTopics[?id]
      resourceNotifications: resourceNotifications
      delivery: {
        functionId: '${vaultbind.outputs.resourceId}/functions/resource-event'
        storageId: storage.outputs.resourceId
        deadLettersContainer: storage.outputs.deadLettersContainer
        identityId: identity.outputs.resourceId
        createEventSubscriptions: createEventSubscriptions
        actionGroupId: alerts.outputs.?actionGroupId
      }
    }
  }
]

output AZURE_RESOURCE_GROUP string = group.name
output VAULTBIND_APP_NAME string = vaultbind.outputs.name
output VAULTBIND_APP_ID string = vaultbind.outputs.resourceId
output VAULTBIND_SERVICEBUS_NAMESPACE string = messaging.outputs.fullyQualifiedNamespace
output VAULTBIND_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output VAULTBIND_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output VAULTBIND_ROLE_ID string = role.outputs.roleDefinitionId
output VAULTBIND_MANAGED_SUBSCRIPTION_IDS string = join(managedSubscriptionIds, ',')
output VAULTBIND_EVENTS_GROUP string = eventsGroup.name
