metadata description = 'The function app: a Flex Consumption plan with a custom handler, and nothing but identity to sign in with.'

@description('Required. Name of the app.')
param name string

@description('Required. Name of the plan.')
param planName string

@description('Required. Region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id of the user-assigned identity.')
param identityId string

@description('Required. Client id of the user-assigned identity.')
param identityClientId string

@description('Required. Address of the storage account\'s blob service.')
param storageBlobEndpoint string

@description('Required. Name of the container with the package.')
param packagesContainer string

@description('Required. Host name of the Service Bus namespace.')
param serviceBusNamespace string

@description('Required. Connection string of Application Insights: an address only, since local authentication is off.')
param applicationInsightsConnectionString string

@description('Required. Name of the queue that carries requests.')
param requestsQueueName string

@description('Required. Name of the queue or topic that carries results.')
param resultsEntityName string

@description('Required. NCRONTAB schedule of the sweep over everything.')
param resyncSchedule string

@description('Required. `public`, `usgov` or `china`.')
param cloud string

@description('Required. Object ids of the two platform service principals; looked up in Microsoft Graph where empty.')
param platformPrincipalIds string[]

@description('Required. Instances that are kept warm.')
param alwaysReadyInstances int

@description('Required. The most instances there are at a time.')
param maximumInstanceCount int

@description('Optional. Subnet of the app\'s outgoing traffic.')
param subnetId string?

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

var settings = {
  AZURE_CLIENT_ID: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AzureWebJobsStorage__blobServiceUri: storageBlobEndpoint
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
  ServiceBus__clientId: identityClientId
  ServiceBus__credential: 'managedidentity'
  ServiceBus__fullyQualifiedNamespace: serviceBusNamespace
  VAULTBIND_CLOUD: cloud
  VAULTBIND_REQUESTS_QUEUE: requestsQueueName
  VAULTBIND_RESULTS_QUEUE: resultsEntityName
  // Without this setting the host leaves the timer function out in silence.
  VAULTBIND_RESYNC_SCHEDULE: resyncSchedule
}

var principalSettings = empty(platformPrincipalIds)
  ? {}
  : { VAULTBIND_PLATFORM_PRINCIPAL_IDS: join(platformPrincipalIds, ',') }

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'vaultbind' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storageBlobEndpoint}${packagesContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        // Scale-out would only meet ARM's limits sooner: every instance shares one identity's token buckets.
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: 512
        // Both functions on the way of an event; a function scales alone, so each needs its own.
        alwaysReady: alwaysReadyInstances > 0
          ? [
              { name: 'function:reconcile', instanceCount: alwaysReadyInstances }
              { name: 'function:resource-event', instanceCount: alwaysReadyInstances }
            ]
          : []
      }
      // ARM accepts any other version in silence, and the app then never starts.
      runtime: {
        name: 'custom'
        version: '1.0'
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      // Event Grid cannot push to a private endpoint: with a private network this is the one way in.
      ipSecurityRestrictionsDefaultAction: subnetId == null ? 'Allow' : 'Deny'
      ipSecurityRestrictions: subnetId == null
        ? []
        : [
            {
              name: 'event-grid'
              description: 'Deliveries of Event Grid'
              action: 'Allow'
              priority: 100
              tag: 'ServiceTag'
              ipAddress: 'AzureEventGrid'
            }
          ]
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, principalSettings)
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

@description('Name of the app.')
output name string = app.name

@description('Resource id of the app.')
output resourceId string = app.id
