// Package gzipped compresses bytes for DynamoDB items.
package gzipped

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Max is how many bytes an attribute may unpack to. A DynamoDB item holds 400 KB, and gzip
// makes JSON rarely more than forty times smaller; crafted bytes could unpack to a thousand
// times their size.
const Max = 16 << 20

// ErrTooLarge is the error for more than Max unpacked bytes.
var ErrTooLarge = fmt.Errorf("more than %d bytes when unpacked", Max)

// Pack gzips the bytes. More than Max bytes are ErrTooLarge. The result may differ between
// versions of Go.
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

// Unpack returns what Pack was given. It fails for an attribute that is nil, damaged or of
// another type, and returns ErrTooLarge for more than Max bytes.
func Unpack(packed types.AttributeValue) ([]byte, error) {
	binary, ok := packed.(*types.AttributeValueMemberB)
	if !ok {
		return nil, errors.New("the attribute is missing or not binary")
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
