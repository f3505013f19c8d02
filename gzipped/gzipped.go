// Package gzipped keeps bytes small in DynamoDB items.
package gzipped

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Max is how many bytes one attribute may unpack to. DynamoDB takes 400 KB for an item, and
// gzip makes the JSON in it about ten times smaller, seldom more than forty times. Bytes
// that nobody packed here could unpack to a thousand times as many.
const Max = 16 << 20

// ErrTooLarge says that the bytes, unpacked, are more than Max.
var ErrTooLarge = fmt.Errorf("more than %d bytes, unpacked", Max)

// Pack returns the bytes as a binary attribute, gzipped. Other versions of Go may gzip the same
// bytes otherwise. More than Max bytes are ErrTooLarge.
func Pack(body []byte) (*types.AttributeValueMemberB, error) {
	if len(body) > Max {
		return nil, ErrTooLarge
	}
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
// of another type, or damaged is an error, and one that unpacks to more than Max bytes is
// ErrTooLarge.
func Unpack(packed types.AttributeValue) ([]byte, error) {
	binary, ok := packed.(*types.AttributeValueMemberB)
	if !ok {
		return nil, errors.New("there are no gzipped bytes")
	}
	r, err := gzip.NewReader(bytes.NewReader(binary.Value))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r, Max+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > Max:
		return nil, ErrTooLarge
	}
	return body, nil
}
