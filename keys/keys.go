// Package keys computes the values of API keys. A value is never stored: it
// follows from the key's id by a MAC that only KMS can compute, so creating a key
// may be repeated, showing it again costs no call to API Gateway, and no table or
// queue ever holds one. It creates nothing in API Gateway.
package keys

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Scheme is the first scheme with the default prefix, as it stands in facts. With
// another prefix a fact carries what Deriver.Scheme says.
const Scheme = "v1"

// DefaultPrefix starts the values of keys unless configured otherwise.
const DefaultPrefix = "gh"

// The labels keep the inputs of different MACs apart under one KMS key.
const (
	valueLabel = "gatehouse api key value"
	checkLabel = "gatehouse check tag"
)

// macGenerator is the one operation of KMS that is used.
type macGenerator interface {
	GenerateMac(ctx context.Context, in *kms.GenerateMacInput, opts ...func(*kms.Options)) (*kms.GenerateMacOutput, error)
}

// Deriver computes key values. KMS keys must have the spec HMAC_256 and the usage
// GENERATE_VERIFY_MAC; their key policy is what protects the values.
type Deriver struct {
	kms    macGenerator
	prefix string
}

// New returns a Deriver whose new keys start with prefix, DefaultPrefix if it is
// empty: 2 to 8 ASCII letters and digits, a letter first. A prefix of its own lets
// secret scanners tell this installation's keys from all others.
func New(client macGenerator, prefix string) (*Deriver, error) {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if !validPrefix(prefix) {
		return nil, fmt.Errorf("key prefix %q: want 2 to 8 letters and digits, a letter first", prefix)
	}
	return &Deriver{kms: client, prefix: prefix}, nil
}

// Prefix is what the values of new keys start with.
func (d *Deriver) Prefix() string { return d.prefix }

// Scheme is what the fact that wants a new key records: it fixes the prefix too,
// so that configuring another one changes no key that exists.
func (d *Deriver) Scheme() string {
	if d.prefix == DefaultPrefix {
		return Scheme
	}
	return Scheme + ":" + d.prefix
}

// Value is the value of a key: prefix, 43 characters of MAC, 6 of checksum, all
// letters and digits, 51 to 57 in length (API Gateway takes 20 to 128). Scheme and
// kmsKey (an id or ARN) are those of the fact that wanted the key, and the same
// arguments give the same value for ever. If KMS does not answer or throttles, the
// error's code is portal.Unavailable; a KMS key that is gone, disabled or not
// allowed is an operator's matter and has no code. No error holds any of the value.
func (d *Deriver) Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error) {
	prefix, err := prefixOf(scheme)
	if err != nil {
		return "", fmt.Errorf("computing key %s: %w", key, err)
	}
	if account == "" || key == "" {
		return "", fmt.Errorf("computing key %q of account %q: both ids are required", key, account)
	}
	mac, err := d.mac(ctx, kmsKey, valueLabel, scheme, string(account), string(key))
	if err != nil {
		return "", fmt.Errorf("computing key %s: %w", key, err)
	}
	return format(prefix, mac), nil
}

// CheckTag is a MAC over a fixed text. It is no secret; kept beside the KMS key's
// name and compared at start, it shows that the name still stands for the same
// key material, without which every value would silently be another.
func (d *Deriver) CheckTag(ctx context.Context, kmsKey string) (string, error) {
	mac, err := d.mac(ctx, kmsKey, checkLabel)
	if err != nil {
		return "", fmt.Errorf("computing the check tag of %s: %w", kmsKey, err)
	}
	return base62(mac, macWidth), nil
}

func prefixOf(scheme string) (string, error) {
	if scheme == Scheme {
		return DefaultPrefix, nil
	}
	prefix, ok := strings.CutPrefix(scheme, Scheme+":")
	if !ok || !validPrefix(prefix) {
		return "", fmt.Errorf("the scheme %q is unknown", scheme)
	}
	return prefix, nil
}

// mac asks KMS for the MAC of the parts, each preceded by its length, so that no
// two lists of parts make the same message.
func (d *Deriver) mac(ctx context.Context, kmsKey string, parts ...string) ([]byte, error) {
	var message []byte
	for _, part := range parts {
		message = binary.BigEndian.AppendUint64(message, uint64(len(part)))
		message = append(message, part...)
	}
	out, err := d.kms.GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId:        aws.String(kmsKey),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		Message:      message,
	})
	if err != nil {
		return nil, classify(err)
	}
	if len(out.Mac) != macSize {
		return nil, fmt.Errorf("KMS answered a MAC of %d bytes, not %d", len(out.Mac), macSize)
	}
	return out.Mac, nil
}

// classify gives the code Unavailable to what may work a moment later: no answer,
// a server's fault (KMS's own exceptions for it are 5xx,
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html), and
// throttling, which KMS answers with a 400.
func classify(err error) error {
	var response *smithyhttp.ResponseError
	var answer smithy.APIError
	if errors.As(err, &response) && response.HTTPStatusCode() < 500 &&
		errors.As(err, &answer) && answer.ErrorCode() != "ThrottlingException" {
		return err
	}
	return &portal.Error{
		Code:    portal.Unavailable,
		Message: "The key cannot be read just now. Please try again in a moment.",
		Err:     err,
	}
}
