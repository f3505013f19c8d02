// Package gzipped keeps bytes small in DynamoDB items.
package gzipped

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Pack returns the bytes as a binary attribute, gzipped. Other versions of Go may gzip the same
// bytes otherwise.
func Pack(body []byte) (*types.AttributeValueMemberB, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &types.AttributeValueMemberB{Value: packed.Bytes()}, nil
}

// Unpack returns the bytes that were packed into the attribute. An attribute that is missing,
// of another type, or damaged is an error.
func Unpack(packed types.AttributeValue) ([]byte, error) {
	binary, ok := packed.(*types.AttributeValueMemberB)
	if !ok {
		return nil, errors.New("there are no gzipped bytes")
	}
	r, err := gzip.NewReader(bytes.NewReader(binary.Value))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
