package gateway

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// KeyState is a key in API Gateway.
type KeyState struct {
	Name    string
	Enabled bool
	// Customer is the customer identifier of AWS Marketplace, "" if the key has none.
	Customer string
}

// Inspect reads a key's state. A key that is gone is Refused with KeyGone.
func (s *Session) Inspect(ctx context.Context, key portal.GatewayKeyID) (KeyState, error) {
	var state KeyState
	err := s.call(ctx, ReadAPIKey, func(ctx context.Context) error {
		out, err := s.cp.client.GetApiKey(ctx, &apigateway.GetApiKeyInput{ApiKey: aws.String(string(key)), IncludeValue: aws.Bool(false)})
		if err != nil {
			return err
		}
		state = KeyState{Name: aws.ToString(out.Name), Enabled: out.Enabled, Customer: aws.ToString(out.CustomerId)}
		return nil
	})
	return state, keyError(err)
}

// Value reads a key's value, a secret. A key that is gone is Refused with KeyGone.
func (s *Session) Value(ctx context.Context, key portal.GatewayKeyID) (string, error) {
	var value string
	err := s.call(ctx, ReadAPIKey, func(ctx context.Context) error {
		out, err := s.cp.client.GetApiKey(ctx, &apigateway.GetApiKeyInput{ApiKey: aws.String(string(key)), IncludeValue: aws.Bool(true)})
		if err != nil {
			return err
		}
		value = aws.ToString(out.Value)
		return nil
	})
	return value, keyError(err)
}

// Present is Inspect for its error only.
func (s *Session) Present(ctx context.Context, key portal.GatewayKeyID) error {
	_, err := s.Inspect(ctx, key)
	return err
}

// Rename renames a key; it may be repeated. A key that is gone is Refused with KeyGone.
func (s *Session) Rename(ctx context.Context, key portal.GatewayKeyID, name string) error {
	return s.replace(ctx, key, "/name", name)
}

// SetEnabled enables or disables a key; it may be repeated. The data plane may follow later. A
// key that is gone is Refused with KeyGone.
func (s *Session) SetEnabled(ctx context.Context, key portal.GatewayKeyID, enabled bool) error {
	return s.replace(ctx, key, "/enabled", strconv.FormatBool(enabled))
}

// SetCustomer sets the customer identifier of AWS Marketplace that API Gateway meters the key's
// requests for, or removes it (""); repeating it changes nothing. A key that is gone is Refused
// with KeyGone.
func (s *Session) SetCustomer(ctx context.Context, key portal.GatewayKeyID, customer string) error {
	return s.replace(ctx, key, "/customerId", customer)
}

func (s *Session) replace(ctx context.Context, key portal.GatewayKeyID, path, value string) error {
	return keyError(s.call(ctx, UpdateAPIKey, func(ctx context.Context) error {
		_, err := s.cp.client.UpdateApiKey(ctx, &apigateway.UpdateApiKeyInput{
			ApiKey:          aws.String(string(key)),
			PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String(path), Value: aws.String(value)}},
		})
		return err
	}))
}

// DeleteKey deletes a key and its attachments. It returns nil if the key is gone.
func (s *Session) DeleteKey(ctx context.Context, key portal.GatewayKeyID) error {
	err := s.call(ctx, DeleteAPIKey, func(ctx context.Context) error {
		_, err := s.cp.client.DeleteApiKey(ctx, &apigateway.DeleteApiKeyInput{ApiKey: aws.String(string(key))})
		return err
	})
	if IsNotFound(err) {
		return nil
	}
	return asUnavailable(err)
}

// keyError is asUnavailable for calls that name only a key, where a 404 means that it is gone.
func keyError(err error) error {
	if IsNotFound(err) {
		return &Refused{Reason: KeyGone, Err: err}
	}
	return asUnavailable(err)
}
