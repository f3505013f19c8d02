// Package keys computes the values of API keys and the secrets of webhooks. A value is never
// stored: it is derived from the key's id by a MAC that only KMS can compute. So creating a key may
// be repeated, and showing one needs no call to API Gateway.
package keys

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Scheme is what facts record of keys with the default prefix. Deriver.Scheme adds any other
// prefix.
const Scheme = "v1"

// DefaultPrefix begins key values unless another prefix is configured.
const DefaultPrefix = "gh"

// The labels keep the inputs of different MACs apart.
const (
	valueLabel = "gatehouse api key value"
	checkLabel = "gatehouse check tag"
	hookLabel  = "gatehouse webhook secret"
)

type macGenerator interface {
	GenerateMac(ctx context.Context, in *kms.GenerateMacInput, opts ...func(*kms.Options)) (*kms.GenerateMacOutput, error)
}

// Deriver derives key values. KMS keys must have the spec HMAC_256 and the usage
// GENERATE_VERIFY_MAC; their key policy protects the values.
type Deriver struct {
	kms    macGenerator
	prefix string
	region string
}

// New returns a Deriver whose new keys begin with prefix: 2 to 8 ASCII letters and digits, a
// letter first; "" is DefaultPrefix. Secret scanners recognise an installation by its prefix.
func New(client macGenerator, prefix string) (*Deriver, error) {
	prefix = cmp.Or(prefix, DefaultPrefix)
	if !validPrefix(prefix) {
		return nil, fmt.Errorf("key prefix %q: want 2 to 8 letters and digits, a letter first", prefix)
	}
	d := &Deriver{kms: client, prefix: prefix}
	if c, ok := client.(interface{ Options() kms.Options }); ok {
		d.region = c.Options().Region
	}
	return d, nil
}

// Prefix begins the values of new keys.
func (d *Deriver) Prefix() string { return d.prefix }

// Scheme is what facts record of new keys. It holds the prefix, so another configured one changes
// no existing key.
func (d *Deriver) Scheme() string {
	if d.prefix == DefaultPrefix {
		return Scheme
	}
	return Scheme + ":" + d.prefix
}

// Value is a key's value: prefix, 43 characters of MAC and 6 of checksum, all letters and digits,
// 51 to 57 in length (API Gateway takes 20 to 128). scheme and kmsKey (an id or ARN) are those of
// the fact that wanted the key; the same arguments always give the same value. A multi-Region KMS
// key is used in the client's Region. If KMS computes nothing, the error is a *KMSError. No error
// holds any of the value.
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

// CheckTag returns a MAC over a fixed text. The MAC is not secret. Compared with the stored one at
// start, it shows whether the KMS key still has the same material.
func (d *Deriver) CheckTag(ctx context.Context, kmsKey string) (string, error) {
	mac, err := d.mac(ctx, kmsKey, checkLabel)
	if err != nil {
		return "", fmt.Errorf("computing the check tag of %s: %w", kmsKey, err)
	}
	return base62(mac, macWidth), nil
}

// WebhookSecret is the secret with which notices to a webhook are signed, 32 bytes. The same
// arguments always give the same secret; generation counts rotations. If KMS computes nothing,
// the error is a *KMSError.
func (d *Deriver) WebhookSecret(ctx context.Context, kmsKey string, account portal.AccountID, webhook string, generation int) ([]byte, error) {
	secret, err := d.mac(ctx, kmsKey, hookLabel, string(account), webhook, strconv.Itoa(generation))
	if err != nil {
		return nil, fmt.Errorf("computing the secret of webhook %s: %w", webhook, err)
	}
	return secret, nil
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

// mac puts each part after its length, so that no two lists of parts make the same message.
func (d *Deriver) mac(ctx context.Context, kmsKey string, parts ...string) ([]byte, error) {
	var message []byte
	for _, part := range parts {
		message = binary.BigEndian.AppendUint64(message, uint64(len(part)))
		message = append(message, part...)
	}
	out, err := d.kms.GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId:        aws.String(d.inRegion(kmsKey)),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		Message:      message,
	})
	if err != nil {
		return nil, classify(kmsKey, err)
	}
	if len(out.Mac) != macSize {
		return nil, fmt.Errorf("KMS returned a MAC of %d bytes, not %d", len(out.Mac), macSize)
	}
	return out.Mac, nil
}

// multiRegion begins the id of every multi-Region key, and of no other
// (https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html).
const multiRegion = "mrk-"

// inRegion rewrites the ARN of a multi-Region key. Any other key exists in one Region only.
func (d *Deriver) inRegion(kmsKey string) string {
	parts := strings.SplitN(kmsKey, ":", 6)
	if d.region == "" || len(parts) != 6 || !strings.HasPrefix(parts[5], "key/"+multiRegion) {
		return kmsKey
	}
	parts[3] = d.region
	return strings.Join(parts, ":")
}

// Recorded is what facts record of a KMS key: the id of a multi-Region key, which every Region
// knows, or the ARN of any other.
func Recorded(arn string) string {
	if _, id, ok := strings.Cut(arn, ":key/"); ok && strings.HasPrefix(id, multiRegion) {
		return id
	}
	return arn
}
