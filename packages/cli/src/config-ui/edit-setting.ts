import { type Description, expectedOf, setConfigValue, unsetConfigValue } from '@lmapp/core/config'
import { toOneLine } from '../output/sanitize.ts'
import { type ConfigDraft, problemOf } from './draft.ts'
import { editMap } from './edit-map.ts'
import type { Form } from './form.ts'
import { describeOrigin, describeValue, type Setting } from './settings.ts'

/** Shows what a setting means, and lets it be changed. */
export async function editSetting(form: Form, draft: ConfigDraft, setting: Setting): Promise<void> {
  const { description, path } = setting
  if (description.kind === 'map') {
    return editMap({ form, draft, path, description, editField: (field) => editSetting(form, draft, field) })
  }
  form.tell(explain(setting), path)
  const chosen = await askValue(form, draft, setting)
  if (chosen === undefined) return
  await draft.write(
    chosen === toDefault ? unsetConfigValue(draft.text, path) : setConfigValue(draft.text, path, chosen),
  )
}

/** Chosen to take a setting out of the file. */
const toDefault = Symbol('default')

function explain(setting: Setting): string {
  const { description, origin } = setting
  const standard = description.default === undefined ? 'none' : JSON.stringify(description.default)
  return [
    toOneLine(description.doc),
    `now: ${describeValue(setting)} (${describeOrigin(origin)})`,
    `default: ${standard}`,
    `takes: ${expectedOf(description)}`,
    ...(typeof origin === 'object' ? [`$${origin.variable} goes before what is set here.`] : []),
  ].join('\n')
}

async function askValue(form: Form, draft: ConfigDraft, setting: Setting): Promise<unknown> {
  const { path, description, value, origin } = setting
  const fixed = choicesOf(description)
  const back = origin === 'file' ? [{ value: toDefault, label: 'take it out of the file' }] : []
  if (fixed) {
    const choices = [...fixed.map((each) => ({ value: each as unknown, label: String(each) })), ...back]
    return form.choose(path, choices, value)
  }
  const typed = await form.ask(`${path}${back.length > 0 ? ' (empty: take it out of the file)' : ''}`, {
    initial: origin === 'file' ? asTyped(value) : '',
    placeholder: description.default === undefined ? '' : String(description.default),
    problemOf: (text) => (text === '' ? undefined : problemOf(draft.text, path, text)),
  })
  if (typed === undefined || (typed === '' && back.length === 0)) return undefined
  return typed === '' ? toDefault : typed
}

function choicesOf(description: Description): readonly (string | boolean)[] | undefined {
  if (description.kind === 'switch') return [true, false]
  return description.kind === 'choice' ? description.values : undefined
}

/** As `lmapp config set` takes it. */
function asTyped(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}
