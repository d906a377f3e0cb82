metadata description = 'The system topics of one managed subscription. Event Grid wants them in the subscription that they are about.'

targetScope = 'subscription'

import { deliveryType, existingTopicType } from 'types.bicep'

@description('Required. Name of the resource group for the topics.')
param groupName string

@description('Required. Create the resource group: the one beside the app is there already.')
param createGroup bool

@description('Required. Region of the resource group.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Makes names unique.')
param token string

@description('Optional. The subscription\'s own system topic, where it has one: Event Grid allows one a subscription. The identity has to be assigned to it.')
param existingTopic existingTopicType?

@description('Required. Prefix of a system topic\'s name.')
param topicPrefix string

@description('Required. Listen to Azure Resource Notifications too.')
param resourceNotifications bool

@description('Required. Where events go.')
param delivery deliveryType

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = if (createGroup) {
  name: groupName
  location: location
  tags: tags
}

module changes 'events.bicep' = {
  name: 'vaultbind-changes-${token}'
  scope: resourceGroup(existingTopic.?resourceGroup ?? groupName)
  dependsOn: [group]
  params: {
    topicName: existingTopic.?name ?? '${topicPrefix}${token}'
    topicExists: existingTopic != null
    topicType: 'Microsoft.Resources.Subscriptions'
    tags: tags
    delivery: delivery
    filter: {
      includedEventTypes: [
        'Microsoft.Resources.ResourceWriteSuccess'
        'Microsoft.Resources.ResourceDeleteSuccess'
      ]
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.operationName'
          values: loadJsonContent('operation-names.json')
        }
      ]
    }
  }
}

module notifications 'events.bicep' = if (resourceNotifications) {
  name: 'vaultbind-notifications-${token}'
  scope: resourceGroup(groupName)
  dependsOn: [group]
  params: {
    topicName: '${topicPrefix}${token}-resources'
    topicExists: false
    topicType: 'Microsoft.ResourceNotifications.Resources'
    tags: tags
    delivery: delivery
    filter: {
      includedEventTypes: [
        'Microsoft.ResourceNotifications.Resources.CreatedOrUpdated'
        'Microsoft.ResourceNotifications.Resources.Deleted'
      ]
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.resourceInfo.type'
          values: ['Microsoft.KeyVault/vaults', 'Microsoft.NetworkCloud/clusters']
        }
      ]
    }
  }
}
