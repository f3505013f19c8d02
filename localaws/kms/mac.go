package kms

import (
	"context"
	"crypto/hmac"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// In bytes: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
const (
	maxMessage = 4096
	maxMac     = 6144
)

type generateMacInput struct {
	KeyID        string `json:"KeyId"`
	Message      []byte
	MacAlgorithm string
	GrantTokens  []string
	DryRun       bool
}

type generateMacOutput struct {
	KeyID        string `json:"KeyId"`
	Mac          []byte `json:"Mac"`
	MacAlgorithm string `json:"MacAlgorithm"`
}

func (s *Service) generateMac(_ context.Context, in *generateMacInput) (*generateMacOutput, error) {
	arn, mac, err := s.mac(in, constraints{})
	if err != nil {
		return nil, err
	}
	return &generateMacOutput{KeyID: arn, Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
}

type verifyMacInput struct {
	generateMacInput
	Mac []byte
}

type verifyMacOutput struct {
	KeyID        string `json:"KeyId"`
	MacValid     bool   `json:"MacValid"`
	MacAlgorithm string `json:"MacAlgorithm"`
}

// verifyMac answers a wrong MAC with KMSInvalidMacException, never with MacValid false.
func (s *Service) verifyMac(_ context.Context, in *verifyMacInput) (*verifyMacOutput, error) {
	var c constraints
	c.bytes("mac", in.Mac, maxMac)
	arn, mac, err := s.mac(&in.generateMacInput, c)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac, in.Mac) {
		return nil, &wire.Error{Code: "KMSInvalidMacException"}
	}
	return &verifyMacOutput{KeyID: arn, MacValid: true, MacAlgorithm: in.MacAlgorithm}, nil
}

// mac checks the request and returns the key's ARN and the MAC. found holds earlier problems.
func (s *Service) mac(in *generateMacInput, found constraints) (arn string, mac []byte, err error) {
	found.bytes("message", in.Message, maxMessage)
	found.oneOf("macAlgorithm", in.MacAlgorithm, algorithms())
	if err := found.err(); err != nil {
		return "", nil, err
	}
	if err := refuseGrants(in.GrantTokens); err != nil {
		return "", nil, err
	}
	var k key
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		k, err = s.find(tx, in.KeyID)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	arn = s.keyARN(k.ID)
	kind, _ := specNamed(k.Spec)
	switch {
	case k.State == disabled:
		return "", nil, wire.Errorf("DisabledException", "%s is disabled.", arn)
	case k.State == pendingDeletion:
		return "", nil, s.notPendingDeletion(k)
	case kind.Algorithm != in.MacAlgorithm:
		return "", nil, wire.Errorf("InvalidKeyUsageException", "Algorithm %s is incompatible with key spec %s.", in.MacAlgorithm, k.Spec)
	case in.DryRun:
		return "", nil, &wire.Error{
			Code: "DryRunOperationException", Status: http.StatusPreconditionFailed,
			Message: "The request would have succeeded, but the DryRun option is set.",
		}
	}
	h := hmac.New(kind.Hash, k.Material)
	h.Write(in.Message)
	return arn, h.Sum(nil), nil
}
