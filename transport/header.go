package transport

import "encoding/json"

// header is what can be told of a body that may not be readable as a whole.
type header struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Subject   string `json:"subject"`
	Operation string `json:"operationid"`
}

func peek(body []byte) header {
	var h header
	if err := json.Unmarshal(body, &h); err != nil {
		return header{}
	}
	return h
}
