import { useText } from '../i18n/index.ts';
import { Checkbox, Select, TextField } from '../ui/index.ts';

export type SettingValue = string | number | boolean;

interface PropertySchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: SettingValue;
  readonly enum?: readonly string[];
}

/** Fields for the settings of a type, from their JSON Schema; those that the window knows it names in its own language. */
export function SettingsFields({ type, schema, values, onChange }: { type: string; schema: Readonly<Record<string, unknown>>; values: Readonly<Record<string, SettingValue>>; onChange: (values: Record<string, SettingValue>) => void }) {
  const t = useText();
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, PropertySchema>>;
  const set = (name: string, value: SettingValue | undefined): void => {
    const { [name]: _before, ...rest } = values;
    onChange(value === undefined || value === '' ? rest : { ...rest, [name]: value });
  };
  return Object.entries(properties).map(([name, property]) => {
    const key = `backendSetting.${type}.${name}`;
    const label = t.has(key) ? t(key) : (property.title ?? name);
    const helpKey = `${key}.help`;
    const help = t.has(helpKey) ? t(helpKey) : property.description;
    const value = values[name] ?? property.default;
    if (property.type === 'boolean') {
      return <Checkbox key={name} isSelected={value === true} onChange={(next) => set(name, next)} {...(help !== undefined && { help })}>{label}</Checkbox>;
    }
    if (property.enum !== undefined) {
      return <Select key={name} label={label} value={value === undefined ? undefined : String(value)} onChange={(next) => set(name, next)} choices={property.enum.map((one) => ({ value: one, label: one }))} help={help} />;
    }
    const numeric = property.type === 'integer' || property.type === 'number';
    return (
      <TextField
        key={name} label={label} value={value === undefined ? '' : String(value)} help={help} mono {...(numeric && { inputMode: 'numeric' as const })}
        onChange={(next) => set(name, numeric && next !== '' && Number.isFinite(Number(next)) ? Number(next) : next)}
      />
    );
  });
}
