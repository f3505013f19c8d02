// Package export writes checked OpenAPI documents for other programs.
package export

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// WithServer returns the document with only this server, and all else as it is and in the same
// order. With endpoint "" it names no server. The document must be JSON, as openapi.Normalize
// returns it.
func WithServer(document []byte, endpoint string) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	if err := begins(decoder, '{'); err != nil {
		return nil, err
	}
	var servers []byte
	if endpoint != "" {
		value, err := json.Marshal([]map[string]string{{"url": endpoint}})
		if err != nil {
			return nil, err
		}
		servers = value
	}
	var out bytes.Buffer
	out.Grow(len(document) + len(servers))
	member := func(name string, value []byte) {
		if out.Len() > 0 {
			out.WriteByte(',')
		}
		quoted, _ := json.Marshal(name)
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(value)
	}
	for decoder.More() {
		name, value, err := next(decoder)
		if err != nil {
			return nil, err
		}
		if name != "servers" {
			member(name, value)
		}
		if name == "info" && servers != nil {
			member("servers", servers)
		}
	}
	return fmt.Appendf(nil, "{%s}", out.Bytes()), nil
}

func next(decoder *json.Decoder) (string, json.RawMessage, error) {
	token, err := decoder.Token()
	if err != nil {
		return "", nil, err
	}
	name, ok := token.(string)
	if !ok {
		return "", nil, fmt.Errorf("%v instead of a member", token)
	}
	var value json.RawMessage
	return name, value, decoder.Decode(&value)
}

func begins(decoder *json.Decoder, with json.Delim) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token != with {
		return fmt.Errorf("%v instead of %v", token, with)
	}
	return nil
}
