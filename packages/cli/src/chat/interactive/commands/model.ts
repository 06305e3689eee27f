import type { ApiModel, LmappClient } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import { explainFit, formatContext } from '../../../commands/model-text.ts'
import { formatBytes } from '../../../output/format.ts'
import { printNotice } from '../../../output/print-error.ts'
import { toOneLine } from '../../../output/sanitize.ts'
import { fitWidth } from '../../../output/width.ts'
import type { Chat, Completing, Completion, SlashCommand } from '../chat.ts'

export const modelCommand: SlashCommand = {
  name: 'model',
  operand: '[REF|NUMBER]',
  help: 'which model answers, or another one from now on',
  async run(chat, operand) {
    if (operand !== '') await switchModel(chat, await toReference(chat, operand))
    else {
      await chat.say(chat.turns.model ?? 'No model was chosen yet: the default one answers.')
      await printModels(chat)
      await chat.say('Another one: /model NUMBER, or its name; Tab completes it.')
    }
    return undefined
  },
  complete: completeModel,
}

export const modelsCommand: SlashCommand = {
  name: 'models',
  help: 'the models that are there',
  async run(chat) {
    await printModels(chat)
    return undefined
  },
}

/** A number is one of the list, unless a model is really called so. */
async function toReference({ known }: Chat, operand: string): Promise<string> {
  if (!/^\d{1,4}$/.test(operand)) return operand
  const model = await known.model(Number(operand))
  if (model) return model.ref
  throw new LmappError('bad-input', `There is no model number ${operand}.`, { hint: 'See them: /models' })
}

async function switchModel(chat: Chat, ref: string): Promise<void> {
  const client = await chat.turns.client()
  const { refs, notice } = await client.resolveModel(ref)
  if (notice) await printNotice(chat.context.stderr, notice)
  chat.turns.useModel(ref)
  await chat.say(`From now on: ${refs.join(', ')}${chat.turns.hasAnswer ? '. The conversation goes on.' : ''}`)
  const doubt = await findDoubt(client, refs[0] ?? ref)
  if (doubt !== undefined) await printNotice(chat.context.stderr, doubt)
}

/** Why it may not answer. It is only said: not every engine lists all that it has, and memory may become free. */
async function findDoubt(client: LmappClient, ref: string): Promise<string | undefined> {
  try {
    const { fit } = await client.showModel(ref)
    return fit && fit.state !== 'fits' ? `${ref} is ${explainFit(fit)}.` : undefined
  } catch (error) {
    if (!isLmappError(error)) throw error
    return error.code === 'model-not-found'
      ? `${ref} is not in the list of models; it is asked all the same.`
      : undefined
  }
}

async function printModels({ context: { stdout }, known, turns, say }: Chat): Promise<void> {
  const models = await known.listModels()
  if (models.length === 0) return say('No model is there yet. Ask something, or: lmapp models pull NAME')
  const digits = String(models.length).length
  const lines = models.map((model, index) => {
    const mark = model.ref === turns.model ? '*' : ' '
    const line = `${mark}${String(index + 1).padStart(digits)}  ${describe(model)}`
    return `${fitWidth(line, stdout.columns)}\n`
  })
  await stdout.write(lines.join(''))
}

/** The name first: where the terminal is narrow, the rest is cut. */
function describe(model: ApiModel): string {
  return [toOneLine(model.ref), ...factsOf(model)].join('  ')
}

function factsOf({ sizeBytes, contextLength, loaded, fit }: ApiModel): string[] {
  const state = loaded ? 'loaded' : fit && fit.state !== 'fits' ? fit.state.replace('-', ' ') : ''
  const size = sizeBytes === undefined ? '' : formatBytes(sizeBytes)
  const context = contextLength === undefined ? '' : `context ${formatContext(contextLength)}`
  return [state, size, context].filter((fact) => fact !== '')
}

async function completeModel({ known }: Completing, typed: string): Promise<Completion> {
  const models = await known.models()
  const fitting = models.filter(({ ref, name }) => ref.startsWith(typed) || name.startsWith(typed))
  return { candidates: fitting.map((model) => ({ insert: model.ref, hint: factsOf(model).join(' · ') })) }
}
