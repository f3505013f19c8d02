package kms

import (
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type replicateKeyInput struct {
	KeyID                          string `json:"KeyId"`
	ReplicaRegion                  string
	Description                    string
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
	Tags                           []tag
}

type replicateKeyOutput struct {
	ReplicaKeyMetadata keyMetadata `json:"ReplicaKeyMetadata"`
	ReplicaPolicy      string      `json:"ReplicaPolicy"`
	ReplicaTags        []tag       `json:"ReplicaTags"`
}

// replicateKey creates an enabled key with the same id and material in another Region. State,
// policy, tags and aliases are not shared.
func (s *Service) replicateKey(_ context.Context, in *replicateKeyInput) (*replicateKeyOutput, error) {
	var c constraints
	c.Text("replicaRegion", in.ReplicaRegion, 32)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := checkNewKey(in.Policy, in.BypassPolicyLockoutSafetyCheck, in.Description, in.Tags); err != nil {
		return nil, err
	}
	there := s.in(in.ReplicaRegion)
	out := &replicateKeyOutput{ReplicaPolicy: cmp.Or(in.Policy, s.accountPolicy()), ReplicaTags: append([]tag{}, in.Tags...)}
	return out, s.env.DB.Update(func(tx *store.Tx) error {
		k, err := s.findKey(tx, in.KeyID)
		if err != nil {
			return err
		}
		if err := s.canReplicate(tx, k, there); err != nil {
			return err
		}
		if !slices.Contains(k.Replicas, in.ReplicaRegion) {
			k.Replicas = append(k.Replicas, in.ReplicaRegion)
		}
		replica := key{
			ID: k.ID, Spec: k.Spec, State: enabled, Description: in.Description, MultiRegion: true, Policy: in.Policy,
			Tags: in.Tags, Material: k.Material, Created: s.env.Now(), Primary: s.env.Region,
		}
		if err := store.PutJSON(s.keys(tx), k.ID, k); err != nil {
			return err
		}
		if err := store.PutJSON(there.keys(tx), k.ID, replica); err != nil {
			return err
		}
		out.ReplicaKeyMetadata, err = there.metadata(tx, replica)
		return err
	})
}

func (s *Service) canReplicate(tx *store.Tx, k key, there *Service) error {
	switch {
	case !k.MultiRegion || k.Primary != "":
		return wire.Errorf("UnsupportedOperationException", "%s is not a multi-Region primary key.", s.keyARN(k.ID))
	case k.State == pendingDeletion:
		return s.notPendingDeletion(k)
	case k.State == disabled:
		return wire.Errorf("DisabledException", "%s is disabled.", s.keyARN(k.ID))
	}
	_, err := there.findByID(tx, k.ID)
	switch {
	case err == nil:
		return wire.Errorf("AlreadyExistsException", "%s already exists.", there.keyARN(k.ID))
	case !wire.IsCode(err, "NotFoundException"):
		return err
	}
	return nil
}

func (s *Service) multiRegion(tx *store.Tx, k key) (*multiRegionConfiguration, error) {
	home := s
	config := &multiRegionConfiguration{MultiRegionKeyType: "PRIMARY", ReplicaKeys: []multiRegionKey{}}
	if k.Primary != "" {
		config.MultiRegionKeyType = "REPLICA"
		home = s.in(k.Primary)
		var err error
		if k, err = home.findByID(tx, k.ID); err != nil {
			return nil, err
		}
	}
	config.PrimaryKey = multiRegionKey{ARN: home.keyARN(k.ID), Region: home.env.Region}
	replicas, err := home.replicas(tx, k)
	for _, region := range replicas {
		config.ReplicaKeys = append(config.ReplicaKeys, multiRegionKey{ARN: s.in(region).keyARN(k.ID), Region: region})
	}
	return config, err
}

// replicas returns the Regions where replicas still exist.
func (s *Service) replicas(tx *store.Tx, k key) (regions []string, err error) {
	for _, region := range k.Replicas {
		_, err := s.in(region).findByID(tx, k.ID)
		switch {
		case err == nil:
			regions = append(regions, region)
		case !wire.IsCode(err, "NotFoundException"):
			return nil, err
		}
	}
	return regions, nil
}
