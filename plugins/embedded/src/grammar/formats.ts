const day = String.raw`\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))`
const leapYear = String.raw`(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`
const date = `(${day}|${leapYear}-02-29)`
const time = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)`
const span = 'T(\\d{1,6}H(\\d{1,6}M(\\d{1,6}S)?)?|\\d{1,6}M(\\d{1,6}S)?|\\d{1,6}S)'
const label = '[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?'
const byte = String.raw`(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const group = '[0-9A-Fa-f]{1,4}'

/** Formats as regular expressions. All that they match is of the format; rare forms of a few are left out. */
export const formats: ReadonlyMap<string, string> = new Map([
  ['date', `^${date}$`],
  ['time', `^${time}$`],
  ['date-time', `^${date}T${time}$`],
  ['duration', `^P(\\d{1,6}W|(\\d{1,6}D|\\d{1,6}M(\\d{1,6}D)?|\\d{1,6}Y(\\d{1,6}M(\\d{1,6}D)?)?)(${span})?|${span})$`],
  ['uuid', '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$'],
  ['email', `^[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@${label}(\\.${label})+$`],
  ['hostname', `^${label}(\\.${label})*$`],
  ['ipv4', `^${byte}\\.${byte}\\.${byte}\\.${byte}$`],
  ['ipv6', `^${group}(:${group}){7}$`],
  [
    'uri',
    `^[a-z][a-z0-9+.-]*://${label}(\\.${label})*(:\\d{1,5})?(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*(\\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$`,
  ],
])
