package kms

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

const macUsage = "GENERATE_VERIFY_MAC"

// spec is a kind of HMAC key. It has one algorithm, and material of the digest's length:
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html#hmac-key-specs
type spec struct {
	Name      string
	Algorithm string
	Bytes     int
	Hash      func() hash.Hash
}

var specs = []spec{
	{Name: "HMAC_224", Algorithm: "HMAC_SHA_224", Bytes: sha256.Size224, Hash: sha256.New224},
	{Name: "HMAC_256", Algorithm: "HMAC_SHA_256", Bytes: sha256.Size, Hash: sha256.New},
	{Name: "HMAC_384", Algorithm: "HMAC_SHA_384", Bytes: sha512.Size384, Hash: sha512.New384},
	{Name: "HMAC_512", Algorithm: "HMAC_SHA_512", Bytes: sha512.Size, Hash: sha512.New},
}

func specNamed(name string) (spec, bool) {
	for _, s := range specs {
		if s.Name == name {
			return s, true
		}
	}
	return spec{}, false
}

func algorithms() []string {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Algorithm
	}
	return names
}
