import { assertAnswers, assertRefused, missingModel, type Proof, toRequest } from '../proof.ts'

export const errorProofs = {
  'errors.model-not-found': async (context) => {
    const request = toRequest(context, context.prompts.question, { model: missingModel })
    await assertRefused(context, request, ['model-not-found'])
  },

  'errors.empty-messages': async (context) => {
    const request = toRequest(context, '', { messages: [] })
    await assertRefused(context, request, ['bad-input'])
  },

  'errors.context-overflow': async (context) => {
    const request = toRequest(context, context.prompts.overflow, { options: { contextLength: 512 } })
    await assertRefused(context, request, ['context-overflow'])
  },

  'errors.not-fatal': async (context) => {
    const request = toRequest(context, context.prompts.question, { model: missingModel })
    await assertRefused(context, request, ['model-not-found'])
    await assertAnswers(context)
  },
} satisfies Record<string, Proof>
