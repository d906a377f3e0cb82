using '../main.bicep'

// The least that a deployment says: everything else is as the template has it.
param environmentName = 'smallest'
param location = 'westeurope'
