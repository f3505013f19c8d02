package folder

import (
	"encoding/json"
	"errors"
)

// normalize checks an OpenAPI document and returns it as JSON.
func normalize(data []byte) ([]byte, error) {
	if !json.Valid(data) {
		return nil, errors.New("The document is not JSON.")
	}
	return data, nil
}

func documentFault(err error) fault { return faultf(0, "%s", err) }
