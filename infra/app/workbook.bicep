metadata description = 'The workbook: coverage by outcome, recent changes, what is wrong with its remedy, throttling, durations.'

@description('Required. Region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id of the workspace with the logs.')
param workspaceId string

var sections = [
  {
    title: 'Coverage: clusters by their latest outcome'
    query: loadTextContent('../queries/coverage.kql')
    visualization: 'piechart'
  }
  {
    title: 'What is wrong, and what to do'
    query: loadTextContent('../queries/failures.kql')
    visualization: 'table'
  }
  {
    title: 'Recent changes'
    query: loadTextContent('../queries/changes.kql')
    visualization: 'table'
  }
  {
    title: 'Looks that Azure put off'
    query: loadTextContent('../queries/throttling.kql')
    visualization: 'table'
  }
  {
    title: 'From event to result, in seconds'
    query: loadTextContent('../queries/duration.kql')
    visualization: 'linechart'
  }
]

var period = {
  type: 9
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        id: '6b1f7a5e-5d0c-4a44-9f0b-3a9c3c1f6a01'
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 604800000 }
        typeSettings: {
          selectableValues: [
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
          ]
        }
      }
    ]
  }
  name: 'period'
}

var charts = map(sections, section => {
  type: 3
  content: {
    version: 'KqlItem/1.0'
    query: section.query
    size: 0
    title: section.title
    timeContextFromParameter: 'TimeRange'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    crossComponentResources: [workspaceId]
    visualization: section.visualization
  }
  name: section.title
})

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'vaultbind')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Vaultbind'
    category: 'workbook'
    sourceId: workspaceId
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([period], charts)
      fallbackResourceIds: [workspaceId]
    })
  }
}

@description('Name of the workbook.')
output name string = workbook.name

@description('Resource id of the workbook.')
output resourceId string = workbook.id
