using 'main.bicep'

// The values of the azd environment, or of the shell's; infra/README.md says what each means.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param managedSubscriptionIds = split(
  readEnvironmentVariable('VAULTBIND_SUBSCRIPTION_IDS', readEnvironmentVariable('AZURE_SUBSCRIPTION_ID')),
  ','
)
param platformPrincipalIds = filter(
  split(readEnvironmentVariable('VAULTBIND_PLATFORM_PRINCIPAL_IDS', ''), ','),
  id => !empty(id)
)
param clusterWriters = bool(readEnvironmentVariable('VAULTBIND_CLUSTER_WRITERS', 'true'))
param requestsQueueName = readEnvironmentVariable('VAULTBIND_REQUESTS_QUEUE', 'requests')
param resultsEntityName = readEnvironmentVariable('VAULTBIND_RESULTS_QUEUE', 'results')
param resultsAsTopic = bool(readEnvironmentVariable('VAULTBIND_RESULTS_AS_TOPIC', 'false'))
param resultsConsumers = split(readEnvironmentVariable('VAULTBIND_RESULTS_CONSUMERS', 'all'), ',')
param resyncPeriodHours = any(int(readEnvironmentVariable('VAULTBIND_RESYNC_HOURS', '6')))
param alwaysReadyInstances = int(readEnvironmentVariable('VAULTBIND_ALWAYS_READY', '0'))
param maximumInstanceCount = int(readEnvironmentVariable('VAULTBIND_MAXIMUM_INSTANCES', '2'))
param privateNetwork = bool(readEnvironmentVariable('VAULTBIND_PRIVATE_NETWORK', 'false'))
param createEventSubscriptions = bool(readEnvironmentVariable('VAULTBIND_EVENT_SUBSCRIPTIONS', 'false'))
param resourceNotifications = bool(readEnvironmentVariable('VAULTBIND_RESOURCE_NOTIFICATIONS', 'false'))
param existingSystemTopics = json(readEnvironmentVariable('VAULTBIND_SYSTEM_TOPICS', '{}'))
param alertEmails = filter(split(readEnvironmentVariable('VAULTBIND_ALERT_EMAILS', ''), ','), email => !empty(email))
