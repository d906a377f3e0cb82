metadata description = 'Log Analytics and Application Insights; local authentication is off, so the connection string is an address only.'

@description('Required. Name of the workspace.')
param workspaceName string

@description('Required. Name of the Application Insights component.')
param insightsName string

@description('Required. Region.')
param location string

@description('Required. Tags of every resource.')
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

@description('Name of the Application Insights component.')
output name string = insights.name

@description('Resource id of the Application Insights component.')
output resourceId string = insights.id

@description('Name of the workspace.')
output workspaceName string = workspace.name

@description('Resource id of the workspace.')
output workspaceId string = workspace.id

@description('Connection string of Application Insights: an address only, since local authentication is off.')
output connectionString string = insights.properties.ConnectionString
