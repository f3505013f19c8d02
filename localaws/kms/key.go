package kms

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pendingDeletion = "PendingDeletion"
)

type key struct {
	ID          string
	Spec        string
	State       string
	Description string
	MultiRegion bool
	Policy      string
	Tags        []tag
	Material    []byte
	Created     time.Time
	// DeletionDate is set only in state PendingDeletion.
	DeletionDate time.Time
	// Primary is a replica's primary Region, else empty.
	Primary  string   `json:",omitempty"`
	Replicas []string `json:",omitempty"`
}

func (k key) gone(now time.Time) bool {
	return k.State == pendingDeletion && !now.Before(k.DeletionDate)
}

func (s *Service) keyARN(id string) string { return s.env.ARN("kms", "key/"+id) }

type keyMetadata struct {
	AWSAccountID             string                    `json:"AWSAccountId"`
	KeyID                    string                    `json:"KeyId"`
	ARN                      string                    `json:"Arn"`
	CreationDate             float64                   `json:"CreationDate"`
	Enabled                  bool                      `json:"Enabled"`
	Description              string                    `json:"Description"`
	KeyUsage                 string                    `json:"KeyUsage"`
	KeyState                 string                    `json:"KeyState"`
	DeletionDate             *float64                  `json:"DeletionDate,omitempty"`
	Origin                   string                    `json:"Origin"`
	KeyManager               string                    `json:"KeyManager"`
	CustomerMasterKeySpec    string                    `json:"CustomerMasterKeySpec"`
	KeySpec                  string                    `json:"KeySpec"`
	MacAlgorithms            []string                  `json:"MacAlgorithms"`
	MultiRegion              bool                      `json:"MultiRegion"`
	MultiRegionConfiguration *multiRegionConfiguration `json:"MultiRegionConfiguration,omitempty"`
}

type multiRegionConfiguration struct {
	MultiRegionKeyType string           `json:"MultiRegionKeyType"`
	PrimaryKey         multiRegionKey   `json:"PrimaryKey"`
	ReplicaKeys        []multiRegionKey `json:"ReplicaKeys"`
}

type multiRegionKey struct {
	ARN    string `json:"Arn"`
	Region string `json:"Region"`
}

func (s *Service) metadata(tx *store.Tx, k key) (keyMetadata, error) {
	kind, _ := specNamed(k.Spec)
	m := keyMetadata{
		AWSAccountID:          s.env.Account,
		KeyID:                 k.ID,
		ARN:                   s.keyARN(k.ID),
		CreationDate:          epoch(k.Created),
		Enabled:               k.State == enabled,
		Description:           k.Description,
		KeyUsage:              macUsage,
		KeyState:              k.State,
		Origin:                "AWS_KMS",
		KeyManager:            "CUSTOMER",
		CustomerMasterKeySpec: k.Spec,
		KeySpec:               k.Spec,
		MacAlgorithms:         []string{kind.Algorithm},
		MultiRegion:           k.MultiRegion,
	}
	if k.State == pendingDeletion {
		date := epoch(k.DeletionDate)
		m.DeletionDate = &date
	}
	var err error
	if k.MultiRegion {
		m.MultiRegionConfiguration, err = s.multiRegion(tx, k)
	}
	return m, err
}

type createKeyInput struct {
	KeySpec string
	// CustomerMasterKeySpec is KeySpec's older name.
	CustomerMasterKeySpec string
	KeyUsage              string
	Description           string
	Origin                string
	MultiRegion           bool
	Tags                  []tag
	// Policy is stored, but never checked.
	Policy string
	// BypassPolicyLockoutSafetyCheck: see checkPolicy.
	BypassPolicyLockoutSafetyCheck bool
}

type keyOutput struct {
	KeyMetadata keyMetadata `json:"KeyMetadata"`
}

func (s *Service) createKey(_ context.Context, in *createKeyInput) (*keyOutput, error) {
	kind, err := in.spec()
	if err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	k := key{
		ID: wire.NewUUID(), Spec: kind.Name, State: enabled, Description: in.Description,
		MultiRegion: in.MultiRegion, Policy: in.Policy, Tags: in.Tags,
		Material: make([]byte, kind.Bytes), Created: s.env.Now(),
	}
	if in.MultiRegion {
		k.ID = "mrk-" + wire.NewID(32)
	}
	_, _ = rand.Read(k.Material)
	out := &keyOutput{}
	return out, s.env.DB.Update(func(tx *store.Tx) (err error) {
		if err := store.PutJSON(s.keys(tx), k.ID, k); err != nil {
			return err
		}
		out.KeyMetadata, err = s.metadata(tx, k)
		return err
	})
}

func (in *createKeyInput) spec() (spec, error) {
	name := in.KeySpec
	switch {
	case name == "":
		name = in.CustomerMasterKeySpec
	case in.CustomerMasterKeySpec != "":
		return spec{}, wire.Errorf("ValidationException", "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	if name == "" {
		name = "SYMMETRIC_DEFAULT"
	}
	kind, ok := specNamed(name)
	if !ok {
		return spec{}, wire.NotImplemented("The key spec " + name)
	}
	usage := in.KeyUsage
	if usage == "" {
		usage = "ENCRYPT_DECRYPT"
	}
	if usage != macUsage {
		return spec{}, wire.Errorf("ValidationException", "KeyUsage %s is not compatible with KeySpec %s", usage, name)
	}
	return kind, nil
}

func (in *createKeyInput) validate() error {
	if in.Origin != "" && in.Origin != "AWS_KMS" {
		return wire.NotImplemented("The key origin " + in.Origin)
	}
	return checkNewKey(in.Policy, in.BypassPolicyLockoutSafetyCheck, in.Description, in.Tags)
}

func checkNewKey(policy string, bypass bool, description string, tags []tag) error {
	if policy != "" {
		if err := checkPolicy(policy, bypass); err != nil {
			return err
		}
	}
	if err := checkDescription(description); err != nil {
		return err
	}
	return checkTags(tags)
}

type describeKeyInput struct {
	KeyID       string `json:"KeyId"`
	GrantTokens []string
}

func (s *Service) describeKey(_ context.Context, in *describeKeyInput) (*keyOutput, error) {
	if err := refuseGrants(in.GrantTokens); err != nil {
		return nil, err
	}
	out := &keyOutput{}
	return out, s.env.DB.View(func(tx *store.Tx) error {
		k, err := s.find(tx, in.KeyID)
		if err != nil {
			return err
		}
		out.KeyMetadata, err = s.metadata(tx, k)
		return err
	})
}

type keyRotationStatusOutput struct {
	KeyID              string `json:"KeyId"`
	KeyRotationEnabled bool   `json:"KeyRotationEnabled"`
}

// getKeyRotationStatus answers false: HMAC keys do not rotate.
func (s *Service) getKeyRotationStatus(_ context.Context, in *keyIDInput) (*keyRotationStatusOutput, error) {
	out := &keyRotationStatusOutput{}
	return out, s.env.DB.View(func(tx *store.Tx) error {
		k, err := s.findKey(tx, in.KeyID)
		out.KeyID = s.keyARN(k.ID)
		return err
	})
}

type updateKeyDescriptionInput struct {
	KeyID       string `json:"KeyId"`
	Description string
}

func (s *Service) updateKeyDescription(_ context.Context, in *updateKeyDescriptionInput) (*none, error) {
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	_, err := s.change(in.KeyID, func(k *key) error {
		k.Description = in.Description
		return s.notPendingDeletion(*k)
	})
	return &none{}, err
}

func checkDescription(text string) error {
	var c constraints
	if len(text) > 8192 {
		c.Add("description", "have length less than or equal to 8192")
	}
	return c.err()
}

func refuseGrants(tokens []string) error {
	if len(tokens) > 0 {
		return wire.NotImplemented("Granting")
	}
	return nil
}
