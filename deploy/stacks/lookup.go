package stacks

import "context"

// Known is what the stacks of a portal say about how it runs.
type Known struct {
	// Exists says that there is a stack of the portal.
	Exists bool
	// Run and Host are "" as long as portal and workers have no stack.
	Run  RunMode
	Host string
}

// Lookup says what is known about a portal before it is deployed.
func (d Deployer) Lookup(ctx context.Context, name string) (k Known, err error) {
	if err := CheckName(name); err != nil {
		return k, err
	}
	all, err := d.look(ctx, name)
	if err != nil {
		return k, err
	}
	return knownFrom(all), nil
}

func knownFrom(all []stack) (k Known) {
	for _, one := range all {
		k.Exists = k.Exists || one.exists()
		if one.runs() && one.exists() && !one.neverCreated() {
			k.Run, k.Host = runModeOf(one), one.parameters["DomainName"]
		}
	}
	return k
}
