metadata description = 'What Vaultbind may do in one managed subscription: its custom role, and the right to give one role away under a condition.'

targetScope = 'subscription'

@description('Required. Object id of the app\'s identity.')
param principalId string

@description('Required. Resource id of the custom role.')
param roleDefinitionId string

@description('Required. Condition under which roles may be assigned.')
param condition string

// Role Based Access Control Administrator; User Access Administrator could give away any role.
var administrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'

resource usesRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, roleDefinitionId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}

resource assignsRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, administrator)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', administrator)
    condition: condition
    conditionVersion: '2.0'
    description: 'Vaultbind gives the Nexus Key Vault Writer role to the writers of credentials, and no other role.'
  }
}
