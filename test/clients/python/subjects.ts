import type { Subject } from '../support/client.ts'
import { type Environment, openPython } from '../support/python.ts'

type Row = Omit<Subject, 'open' | 'registry'> & { module: string; environment?: Environment; variant?: string }

const rows = {
  openai: {
    name: 'openai, chat completions',
    packages: ['openai'],
    module: 'openai_chat',
    dialect: 'OpenAI',
    kind: 'sdk',
    stops: { end: 'stop', length: 'length', tools: 'tool_calls' },
    has: ['tools', 'schema', 'see', 'think', 'embed', 'models', 'wrongField', 'retries'],
  },
  responses: {
    name: 'openai, responses',
    packages: ['openai'],
    module: 'openai_responses',
    dialect: 'OpenAI',
    kind: 'sdk',
    stops: { end: 'completed', length: 'max_output_tokens', tools: 'completed' },
    has: ['tools', 'schema', 'see', 'think', 'wrongField', 'retries'],
  },
  anthropic: {
    name: 'anthropic',
    packages: ['anthropic'],
    module: 'anthropic_messages',
    dialect: 'Anthropic',
    kind: 'sdk',
    stops: { end: 'end_turn', length: 'max_tokens', tools: 'tool_use' },
    has: ['tools', 'schema', 'see', 'think', 'count', 'models', 'wrongField', 'retries'],
  },
  ollama: {
    name: 'ollama',
    packages: ['ollama'],
    module: 'ollama_chat',
    dialect: 'Ollama',
    kind: 'sdk',
    stops: { end: 'stop', length: 'length', tools: 'stop' },
    has: ['tools', 'schema', 'see', 'think', 'embed', 'models', 'wrongField'],
  },
  litellmOpenai: {
    name: 'litellm, openai/…',
    packages: ['litellm'],
    module: 'litellm_client',
    environment: 'litellm',
    variant: 'openai',
    dialect: 'OpenAI',
    kind: 'framework',
    stops: { end: 'stop', length: 'length', tools: 'tool_calls' },
    has: [],
  },
  litellmAnthropic: {
    name: 'litellm, anthropic/…',
    packages: ['litellm'],
    module: 'litellm_client',
    environment: 'litellm',
    variant: 'anthropic',
    dialect: 'Anthropic',
    kind: 'framework',
    stops: { end: 'stop', length: 'length', tools: 'tool_calls' },
    has: [],
  },
  litellmOllama: {
    name: 'litellm, ollama_chat/…',
    packages: ['litellm'],
    module: 'litellm_client',
    environment: 'litellm',
    variant: 'ollama_chat',
    dialect: 'Ollama',
    kind: 'framework',
    stops: { end: 'stop', length: 'length', tools: 'tool_calls' },
    has: [],
  },
  llm: {
    name: 'llm, extra-openai-models.yaml',
    packages: ['llm'],
    module: 'llm_client',
    variant: 'openai',
    dialect: 'OpenAI',
    kind: 'framework',
    stops: null,
    has: [],
  },
  llmOllama: {
    name: 'llm, llm-ollama',
    packages: ['llm', 'llm-ollama'],
    module: 'llm_client',
    variant: 'ollama',
    dialect: 'Ollama',
    kind: 'framework',
    stops: null,
    has: [],
    // It knows which models are listed, and asks for no other.
    skips: ['errors'],
  },
} satisfies Record<string, Row>

export function pythonSubject(name: keyof typeof rows): Subject {
  const { module, environment = 'sdks', variant = '', ...row }: Row = rows[name]
  const { has } = row
  return {
    ...row,
    registry: 'PyPI',
    open: (address, key) => openPython({ environment, module, variant, address, key, has }),
  }
}
