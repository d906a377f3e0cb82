metadata description = 'Types that more than one template uses.'

@export()
@description('A system topic that is there already.')
type existingTopicType = {
  @description('Its resource group.')
  resourceGroup: string

  @description('Its name.')
  name: string
}

@export()
@description('Where events go, and those that cannot be delivered.')
type deliveryType = {
  @description('Resource id of the function.')
  functionId: string

  @description('Resource id of the storage account for dead letters.')
  storageId: string

  @description('Name of the container for dead letters.')
  deadLettersContainer: string

  @description('Resource id of the identity that writes dead letters.')
  identityId: string

  @description('Create the event subscriptions: the function has to be there first.')
  createEventSubscriptions: bool

  @description('Resource id of whom an alert tells, where there is somebody.')
  actionGroupId: string?
}
