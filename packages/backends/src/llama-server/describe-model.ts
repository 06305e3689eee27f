import type { CallOptions, Capabilities, ModelInfo, Support } from 'lmapp-kit'
import type { Catalogue, ServedModel } from './catalogue.ts'
import type { LlamaServerConnection } from './connection.ts'
import { type Continuing, mayContinue } from './continuing.ts'
import { supportsEmbedding } from './embedding.ts'
import type { ModelProps } from './props.ts'

export interface ModelDescriber {
  /** With what it can, as far as that is known without loading it. */
  describe(model: ServedModel, options?: CallOptions): Promise<ModelInfo>
  /** The same, with its template. */
  describeFully(model: ServedModel, options?: CallOptions): Promise<ModelInfo>
}

export interface DescriberDependencies {
  connection: LlamaServerConnection
  catalogue: Catalogue
  continuing: Continuing
}

export function createModelDescriber({ connection, catalogue, continuing }: DescriberDependencies): ModelDescriber {
  /** How the server was started does not change while it runs, and then its properties are the same object. */
  const embeds = new WeakMap<ModelProps, Support>()

  const toEmbed = async (model: ServedModel, props: ModelProps, call: CallOptions): Promise<Support> => {
    if (model.props === undefined) return 'unknown'
    const known = embeds.get(props) ?? (await supportsEmbedding(connection, model, call))
    embeds.set(props, known)
    return known
  }

  const toKnown = async (model: ServedModel, props: ModelProps, call: CallOptions) => {
    const identity = await connection.identify(call)
    return identity.state === 'ready' ? continuing.known({ model, props }, identity.props.version) : undefined
  }

  const describe = async (model: ServedModel, call: CallOptions) => {
    const props = await catalogue.propsIfLoaded(model, call)
    if (!props) return { info: { ...model.info, capabilities: unloaded }, props }
    const capabilities: Capabilities = {
      ...toCapabilities(props),
      ...toContinue(props, await toKnown(model, props, call)),
      embed: await toEmbed(model, props, call),
    }
    return { info: { ...model.info, ...toFileFacts(props), capabilities }, props }
  }

  return {
    describe: async (model, call = {}) => (await describe(model, call)).info,
    async describeFully(model, call = {}) {
      const { info, props } = await describe(model, call)
      return { ...info, ...(props?.template !== undefined && { template: props.template }) }
    },
  }
}

/** A schema is enforced by a grammar, and counting is done by the model's tokenizer, whatever the model. */
const always: Capabilities = { chat: 'yes', 'json-schema': 'yes', logprobs: 'yes', 'count-tokens': 'yes' }
const never: Capabilities = { load: 'no', unload: 'no', pull: 'no', remove: 'no' }
const unloaded: Capabilities = {
  ...always,
  ...never,
  continue: 'unknown',
  tools: 'unknown',
  vision: 'unknown',
  reasoning: 'unknown',
  embed: 'unknown',
}

function toCapabilities({ tools, vision, reasoning, slots }: ModelProps): Capabilities {
  return { ...always, ...never, tools, vision, reasoning, ...(slots !== undefined && { parallel: slots }) }
}

/** What was tried outweighs what is not known. */
function toContinue(props: ModelProps, proved: boolean | undefined): Capabilities {
  if (proved !== undefined) return { continue: proved ? 'yes' : 'no' }
  return { continue: mayContinue(props, false) ? 'unknown' : 'no' }
}

function toFileFacts({ path, quantization }: ModelProps): Pick<ModelInfo, 'path' | 'quantization'> {
  return { ...(path !== undefined && { path }), ...(quantization !== undefined && { quantization }) }
}
