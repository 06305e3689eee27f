import { type CapabilityName, LmappError, type Message, type Support, type Warning } from 'lmapp-kit'
import type { Candidate } from '../routing/resolve.ts'

/** What a candidate says of itself. What its model does not say, its backend says for all. */
export async function supports({ target, model }: Candidate, name: CapabilityName): Promise<Support> {
  const [{ capabilities }, models] = await Promise.all([target.backend.getInfo(), target.backend.listModels()])
  const ofAll = capabilities[name] ?? 'no'
  if (ofAll === 'no') return 'no'
  const found = models.find(({ id }) => id === model)
  return found?.capabilities?.[name] ?? ofAll
}

/** Throws `unsupported` where there are images and the model cannot see; says so where nobody knows. */
export async function assertSees(candidate: Candidate, messages: readonly Message[]): Promise<Warning | undefined> {
  if (!messages.some(({ content }) => content.some(({ type }) => type === 'image'))) return undefined
  const model = `${candidate.target.id}/${candidate.model}`
  const sees = await supports(candidate, 'vision')
  if (sees === 'no') {
    throw new LmappError('unsupported', `${model} cannot see images.`, {
      hint: 'Choose a model that can: lmapp models list',
      details: { model, capability: 'vision' },
    })
  }
  if (sees === 'yes') return undefined
  return { type: 'warning', code: 'capability-unknown', message: `Nobody knows whether ${model} can see images.` }
}
