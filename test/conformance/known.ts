export type SuiteName =
  | 'llm-comply, openai-chat'
  | 'llm-comply, open-responses'
  | 'llm-comply, anthropic'
  | 'compatcanary'
  | 'OpenAI’s document'
  | 'Anthropic’s document'

/** What a kit holds against us and we do on purpose. Each must still be found: what has gone is taken out. */
export interface Known {
  suite: SuiteName
  /** Ids of the tests that say it. */
  tests: RegExp
  /** What they say. */
  error: RegExp
  reason: string
}

export const known: readonly Known[] = [
  {
    suite: 'llm-comply, openai-chat',
    tests: /^chat-error-handling$/,
    error: /^HTTP 200 \(expected \[400, 422\]\)$/,
    reason: 'a request that names no model is answered by the configured one',
  },
  {
    suite: 'llm-comply, open-responses',
    tests: /^error-handling$/,
    error: /^HTTP 200 \(expected \[400, 422\]\)$/,
    reason: 'a request that names no model is answered by the configured one',
  },
  {
    suite: 'llm-comply, open-responses',
    tests: /^compact-response$/,
    error: /^(response\.output is missing|expected object containing 'compact'|no output item with type='compaction')/,
    reason: 'nothing is compacted: `/v1/responses/compact` answers 404, which the kit lets pass with a warning',
  },
  {
    suite: 'llm-comply, open-responses',
    tests: /^streaming-/,
    error: /^unknown SSE event type: response\.reasoning_text\.(delta|done)$/,
    reason: 'thoughts are streamed in the events of OpenAI’s own API, which Open Responses names otherwise',
  },
  {
    suite: 'OpenAI’s document',
    tests: /^\/v1\/completions .*"stream": true/,
    error: /^CreateCompletionResponse, \$\.(choices\[\]\.finish_reason|usage): None is not /,
    reason:
      'the pieces of a streamed completion have null where the whole has a value, as OpenAI’s API itself sends them',
  },
  {
    suite: 'OpenAI’s document',
    tests: /^\/v1\/responses .*"stream": true/,
    error: /^Response(Created|InProgress)Event, \$\.response\.usage: None is not /,
    reason: 'a response that is being written has no usage yet, as in OpenAI’s API itself',
  },
  {
    suite: 'OpenAI’s document',
    tests: /^\/v1\/responses .*"stream": true/,
    error: /^Response(ContentPart(Added|Done)|Stream)Event, \$(\.part)?: \{'type': '(response\.)?reasoning_text/,
    reason: 'the document is older than the events for thoughts, which OpenAI’s clients read',
  },
]
