metadata description = 'The custom role with exactly the actions that Vaultbind uses. One definition serves all managed subscriptions: its display name is unique in the whole tenant.'

targetScope = 'subscription'

@description('Required. What makes the display name this deployment\'s own.')
param token string

@description('Required. Subscriptions whose clusters and vaults are managed.')
param managedSubscriptionIds string[]

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, token, 'vaultbind')
  properties: {
    roleName: 'Vaultbind (${token})'
    description: 'Read Nexus clusters and key vaults, point clusters at vaults, register Microsoft.NetworkCloud.'
    type: 'CustomRole'
    assignableScopes: [for id in managedSubscriptionIds: '/subscriptions/${id}']
    permissions: [
      {
        actions: loadJsonContent('role-actions.json')
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

@description('Resource id of the role definition.')
output roleDefinitionId string = role.id
