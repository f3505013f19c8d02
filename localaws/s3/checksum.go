package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strings"
)

type checksum struct {
	name string
	size int // in bytes
	new  func() hash.Hash
}

// nvme is CRC-64/NVME's polynomial, with its bits reversed for Go.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

var checksums = []checksum{
	{"CRC32", 4, func() hash.Hash { return crc32.NewIEEE() }},
	{"CRC32C", 4, func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
	{"CRC64NVME", 8, func() hash.Hash { return crc64.New(nvme) }},
	{"SHA1", sha1.Size, sha1.New},
	{"SHA256", sha256.Size, sha256.New},
}

const defaultChecksum = "CRC64NVME"

func checksumCalled(name string) *checksum {
	i := slices.IndexFunc(checksums, func(k checksum) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &checksums[i]
}

func checksumNamed(header string) *checksum {
	name, ok := strings.CutPrefix(header, "X-Amz-Checksum-")
	if !ok {
		return nil
	}
	return checksumCalled(strings.ToUpper(name))
}

func (k *checksum) header() string { return "X-Amz-Checksum-" + strings.ToLower(k.name) }

// of returns base64.
func (k *checksum) of(content []byte) string {
	h := k.new()
	_, _ = h.Write(content)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
