import { type Description, getConfigValue, setConfigValue, unsetConfigValue } from '@lmapp/core/config'
import { toOneLine } from '../output/sanitize.ts'
import { type ConfigDraft, problemOf } from './draft.ts'
import type { Form } from './form.ts'
import { describeOrigin, describeValue, listFields, type Setting } from './settings.ts'

export interface MapEditing {
  form: Form
  draft: ConfigDraft
  path: string
  description: Description & { kind: 'map' }
  /** A field of an entry is a setting like any other. */
  editField(field: Setting): Promise<void>
}

type Step = { kind: 'entry'; name: string } | { kind: 'add' } | { kind: 'back' }

/** The entries of a map: opens one, adds one. */
export async function editMap(map: MapEditing): Promise<void> {
  const { form, draft } = map
  for (;;) {
    const entries = Object.entries((getConfigValue(draft.text, map.path) as Record<string, unknown> | undefined) ?? {})
    const step = await form.choose<Step>(`${map.path}: ${toOneLine(map.description.doc)}`, [
      ...entries.map(([name, value]) => ({
        value: { kind: 'entry' as const, name },
        label: name,
        hint: toOneLine(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 60),
      })),
      { value: { kind: 'add' }, label: 'add one' },
      { value: { kind: 'back' }, label: 'back' },
    ])
    if (!step || step.kind === 'back') return
    if (step.kind === 'add') await addEntry(map)
    else await editEntry(map, step.name)
  }
}

async function addEntry(map: MapEditing): Promise<void> {
  const { form, draft, path, description } = map
  const name = await form.ask('Its name', {
    problemOf: (text) =>
      text.trim() === '' ? 'It needs a name.' : problemOf(draft.text, `${path}.${text}`, sample(map)),
  })
  if (name === undefined) return
  if (description.values.kind !== 'object') {
    await editValue(form, draft, `${path}.${name}`)
    return
  }
  const [first] = description.values.required ?? []
  if (first === undefined) return
  const field = description.values.fields[first]
  const value = await form.ask(`${first}: ${toOneLine(field?.doc ?? '')}`, {
    problemOf: (text) => problemOf(draft.text, `${path}.${name}`, { [first]: text }),
  })
  if (value === undefined) return
  await draft.write(setConfigValue(draft.text, `${path}.${name}`, { [first]: value }))
  await editEntry(map, name)
}

/** A value that fits, so that a name can be judged alone. */
function sample({ description }: MapEditing): unknown {
  if (description.values.kind !== 'object') return 'x'
  return Object.fromEntries((description.values.required ?? []).map((name) => [name, 'x']))
}

async function editEntry(map: MapEditing, name: string): Promise<void> {
  const { form, draft, path, description } = map
  const place = `${path}.${name}`
  if (description.values.kind !== 'object') return editValue(form, draft, place, true)
  for (;;) {
    const fields = listFields(place, description.values, draft.text)
    const choice = await form.choose<(typeof fields)[number] | 'test' | 'remove' | 'back'>(place, [
      ...fields.map((field) => ({
        value: field,
        label: `${field.path.slice(place.length + 1)} = ${describeValue(field)}`,
        hint: describeOrigin(field.origin),
      })),
      ...(path === 'backends'
        ? [{ value: 'test' as const, label: 'test it', hint: 'asks it as it is written now' }]
        : []),
      { value: 'remove', label: 'remove it' },
      { value: 'back', label: 'back' },
    ])
    if (choice === undefined || choice === 'back') return
    if (choice === 'test') form.tell(await draft.test(name), name)
    else if (choice !== 'remove') await map.editField(choice)
    else if (await form.confirm(`Remove ${place}?`)) return draft.write(unsetConfigValue(draft.text, place))
  }
}

async function editValue(form: Form, draft: ConfigDraft, place: string, isOld = false): Promise<void> {
  const now = isOld ? getConfigValue(draft.text, place) : undefined
  const typed = await form.ask(`${place}${isOld ? ' (empty: remove it)' : ''}`, {
    initial: typeof now === 'string' ? now : now === undefined ? '' : JSON.stringify(now),
    problemOf: (text) => (isOld && text === '' ? undefined : problemOf(draft.text, place, text)),
  })
  if (typed === undefined) return
  await draft.write(typed === '' ? unsetConfigValue(draft.text, place) : setConfigValue(draft.text, place, typed))
}
