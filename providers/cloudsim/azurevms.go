package cloudsim

import (
	"net/http"
	"slices"
	"strings"
)

func armList(list []any) (any, *restError) {
	if list == nil {
		list = []any{}
	}
	return map[string]any{"value": list}, nil
}

func armTenants(c *restCall) (any, *restError) {
	id := c.server.world.Azure.Tenant
	return armList([]any{map[string]string{"id": "/tenants/" + id, "tenantId": id, "displayName": "Acme"}})
}

func (c *restCall) subscriptionDocument(s Subscription) map[string]any {
	return map[string]any{
		"id": "/subscriptions/" + s.ID, "subscriptionId": s.ID, "tenantId": c.server.world.Azure.Tenant, "displayName": s.Name, "state": s.State,
		"authorizationSource": "RoleBased", "managedByTenants": []any{}, "subscriptionPolicies": map[string]string{"spendingLimit": "Off", "quotaId": "PayAsYouGo_2014-09-01", "locationPlacementId": "Public_2014-09-01"},
	}
}

func armSubscriptions(c *restCall) (any, *restError) {
	var list []any
	for _, s := range c.server.world.Azure.Subscriptions {
		list = append(list, c.subscriptionDocument(s))
	}
	return armList(list)
}

func (c *restCall) subscription() *Subscription {
	return c.server.world.Azure.subscription(c.params["subscription"]) // carryOut has checked that it exists
}

func armSubscription(c *restCall) (any, *restError) {
	return c.subscriptionDocument(*c.subscription()), nil
}

func armGroups(c *restCall) (any, *restError) {
	var list []any
	var seen []string
	for _, vm := range c.subscription().VMs {
		if !slices.Contains(seen, vm.Group) {
			seen = append(seen, vm.Group)
			list = append(list, map[string]any{
				"id": "/subscriptions/" + c.params["subscription"] + "/resourceGroups/" + vm.Group, "name": vm.Group, "location": vm.Location,
				"type": "Microsoft.Resources/resourceGroups", "properties": map[string]string{"provisioningState": "Succeeded"},
			})
		}
	}
	return armList(list)
}

func (c *restCall) vmDocument(vm AzureVM) map[string]any {
	return map[string]any{
		"id":   "/subscriptions/" + c.params["subscription"] + "/resourceGroups/" + vm.Group + "/providers/Microsoft.Compute/virtualMachines/" + vm.Name,
		"name": vm.Name, "type": "Microsoft.Compute/virtualMachines", "location": vm.Location, "tags": vm.Tags,
		"properties": map[string]any{
			"vmId": uuidOf("azure vm " + vm.Name), "provisioningState": "Succeeded", "hardwareProfile": map[string]string{"vmSize": vm.Size},
			"storageProfile": map[string]any{"osDisk": map[string]string{"osType": "Linux", "name": vm.Name + "_os", "createOption": "FromImage"}, "dataDisks": []any{}},
			"osProfile":      map[string]string{"computerName": vm.Name, "adminUsername": "azureuser"}, "networkProfile": map[string]any{"networkInterfaces": []any{}},
		},
	}
}

func armVMs(c *restCall) (any, *restError) {
	var list []any
	for _, vm := range c.subscription().VMs {
		if group := c.params["group"]; group == "" || strings.EqualFold(group, vm.Group) {
			list = append(list, c.vmDocument(vm))
		}
	}
	return armList(list)
}

func (c *restCall) vm() (*AzureVM, *restError) {
	sub := c.subscription()
	for i := range sub.VMs {
		if vm := &sub.VMs[i]; strings.EqualFold(vm.Name, c.params["vm"]) && strings.EqualFold(vm.Group, c.params["group"]) {
			return vm, nil
		}
	}
	return nil, armError(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.Compute/virtualMachines/"+c.params["vm"]+"' under resource group '"+c.params["group"]+"' was not found.")
}

func armGetVM(c *restCall) (any, *restError) {
	vm, refused := c.vm()
	if refused != nil {
		return nil, refused
	}
	doc := c.vmDocument(*vm)
	if properties, ok := doc["properties"].(map[string]any); ok && strings.EqualFold(c.URL.Query().Get("$expand"), "instanceView") {
		properties["instanceView"] = vmView(*vm)
	}
	return doc, nil
}

func vmView(vm AzureVM) map[string]any {
	status := func(code, text string) map[string]string {
		return map[string]string{"code": code, "level": "Info", "displayStatus": text}
	}
	return map[string]any{"statuses": []any{status("ProvisioningState/succeeded", "Provisioning succeeded"), status("PowerState/"+vm.Power, "VM "+vm.Power)}}
}

func armInstanceView(c *restCall) (any, *restError) {
	vm, refused := c.vm()
	if refused != nil {
		return nil, refused
	}
	return vmView(*vm), nil
}

// armMove makes the method that takes a machine to a power state, at once.
func armMove(power string) func(*restCall) (any, *restError) {
	return func(c *restCall) (any, *restError) {
		vm, refused := c.vm()
		if refused != nil {
			return nil, refused
		}
		vm.Power = power
		return map[string]any{}, nil
	}
}

func armDelete(c *restCall) (any, *restError) {
	vm, refused := c.vm()
	if refused != nil {
		return nil, refused
	}
	name, sub := vm.Name, c.subscription()
	sub.VMs = slices.DeleteFunc(sub.VMs, func(vm AzureVM) bool { return vm.Name == name })
	return nil, nil
}
