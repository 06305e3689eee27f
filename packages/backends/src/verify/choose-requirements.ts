import { LmappError } from 'lmapp-kit'
import { type PluginRequirement, pluginRequirements } from './requirements.ts'

/** Ids, and what stands before their dots: what `only` may name. */
export const requirementNames: readonly string[] = [
  ...new Set(pluginRequirements.flatMap(({ id }) => [id, groupOf(id)])),
]

/** Those that one of the names means, all without names. Throws `bad-input` for a name that means none. */
export function chooseRequirements(only?: readonly string[]): readonly PluginRequirement[] {
  if (only === undefined || only.length === 0) return pluginRequirements
  for (const name of only) {
    if (requirementNames.includes(name)) continue
    throw new LmappError('bad-input', `No requirement is called "${name}".`, {
      hint: 'See them all: lmapp backends verify PATH',
      details: { name, known: requirementNames },
    })
  }
  return pluginRequirements.filter(({ id }) => only.includes(id) || only.includes(groupOf(id)))
}

function groupOf(id: string): string {
  return id.slice(0, id.indexOf('.'))
}
