package extension

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"ext-proc-server/internal/exchange"
)

// apiError is the API's own shape of an error.
type apiError struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    string  `json:"code"`
	} `json:"error"`
}

var (
	onModel = "model"

	unknownURL          = refusal(404, "unknown_url", "This path does not exist here.", nil)
	unsupportedEncoding = refusal(415, "unsupported_encoding", "Send the body without a content encoding.", nil)
	unsupportedCharset  = refusal(415, "unsupported_charset", "Send the body in UTF-8, with no other charset in the content type.", nil)
	invalidJSON         = refusal(400, "invalid_json", "The body is not a JSON object in UTF-8.", nil)
	ambiguousMember     = refusal(400, "ambiguous_member", "Give model, stream and stream_options at most once, in lower case.", nil)
	missingModel        = refusal(400, "missing_model", "Name the model as a text.", &onModel)
	modelNotFound       = refusal(404, "model_not_found", "The model does not exist, or is not allowed here.", &onModel)
	promptBlocked       = refusal(400, "prompt_blocked", "The request has a text that is not allowed here.", nil)
)

func refusal(status int, code, message string, param *string) *exchange.Rejection {
	return refusalOf(status, "invalid_request_error", code, message, param)
}

// exhausted refuses a tenant without tokens.
func exhausted(wait time.Duration) *exchange.Rejection {
	r := refusalOf(429, "tokens", "rate_limit_exceeded", "The budget of tokens is used up; try again later.", nil)
	r.Headers.Set("retry-after", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return r
}

func refusalOf(status int, kind, code, message string, param *string) *exchange.Rejection {
	var e apiError
	e.Error.Message, e.Error.Type, e.Error.Param, e.Error.Code = message, kind, param, code
	body, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts always have a form in JSON
	}
	return &exchange.Rejection{
		Status: status, Headers: exchange.NewHeaders("content-type", "application/json"),
		Body: string(body), Reason: "llm_" + code,
	}
}
