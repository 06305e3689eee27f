import assert from 'node:assert/strict'
import { type CapabilityName, isCompatibleVersion, type MethodName } from 'lmapp-kit'
import { manifest as manifestSchema } from 'lmapp-kit/schema'
import { currentPlatform } from '../../plugins/index.ts'
import type { Judge, Proof } from '../judge.ts'

export const manifestProofs = {
  'manifest.readable': async ({ manifest }) => {
    const { error } = manifestSchema.safeParse(manifest)
    const issue = error?.issues[0]
    assert.ok(issue === undefined, `"${issue?.path.map(String).join('.')}" is wrong: ${issue?.message}`)
  },

  'manifest.interface-version': async (judge) => {
    const { interface_version } = judge.manifest
    const problem = `It was written for interface version ${interface_version}, and this lmapp speaks 1.x.`
    assertUsable(judge, isCompatibleVersion(interface_version), problem)
  },

  'manifest.methods': async ({ manifest: { capabilities = {}, methods } }) => {
    for (const [capability, method] of methodsOfCapabilities) {
      const isListed = methods.includes(method)
      const support = capabilities[capability]
      assert.ok(support !== 'yes' || isListed, `${capability} is yes, and ${method} is not among the methods.`)
      assert.ok(support !== 'no' || !isListed, `${capability} is no, and ${method} is among the methods.`)
    }
  },

  'manifest.runs-here': async (judge) => {
    const { execution, platforms } = judge.manifest
    assertUsable(judge, execution === 'subprocess', `It is run as "${execution}", which cannot be judged yet.`)
    const runsHere = platforms?.includes(currentPlatform) ?? true
    assertUsable(judge, runsHere, `It runs on ${platforms?.join(', ')}, and this is ${currentPlatform}.`)
  },
} satisfies Record<string, Proof>

/** Nothing can be judged of what cannot be run. */
function assertUsable(judge: Judge, isUsable: boolean, problem: string): void {
  if (!isUsable) judge.unusable = 'it cannot be run here'
  assert.ok(isUsable, problem)
}

const methodsOfCapabilities: [CapabilityName, MethodName][] = [
  ['embed', 'embed'],
  ['count-tokens', 'count_tokens'],
  ['load', 'load_model'],
  ['unload', 'unload_model'],
  ['pull', 'pull_model'],
  ['remove', 'remove_model'],
]
