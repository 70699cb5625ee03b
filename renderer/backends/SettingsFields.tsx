import { Checkbox, Select, TextField } from '../ui/index.ts';

export type SettingValue = string | number | boolean;

interface PropertySchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: SettingValue;
  readonly enum?: readonly string[];
}

/** Fields for the settings of a type, from their JSON Schema. */
export function SettingsFields({ schema, values, onChange }: { schema: Readonly<Record<string, unknown>>; values: Readonly<Record<string, SettingValue>>; onChange: (values: Record<string, SettingValue>) => void }) {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, PropertySchema>>;
  const set = (name: string, value: SettingValue | undefined): void => {
    const { [name]: _before, ...rest } = values;
    onChange(value === undefined || value === '' ? rest : { ...rest, [name]: value });
  };
  return Object.entries(properties).map(([name, property]) => {
    const label = property.title ?? name;
    const value = values[name] ?? property.default;
    if (property.type === 'boolean') {
      return <Checkbox key={name} isSelected={value === true} onChange={(next) => set(name, next)} {...(property.description !== undefined && { help: property.description })}>{label}</Checkbox>;
    }
    if (property.enum !== undefined) {
      return <Select key={name} label={label} value={value === undefined ? undefined : String(value)} onChange={(next) => set(name, next)} choices={property.enum.map((one) => ({ value: one, label: one }))} help={property.description} />;
    }
    const numeric = property.type === 'integer' || property.type === 'number';
    return (
      <TextField
        key={name} label={label} value={value === undefined ? '' : String(value)} help={property.description} mono {...(numeric && { inputMode: 'numeric' as const })}
        onChange={(next) => set(name, numeric && next !== '' && Number.isFinite(Number(next)) ? Number(next) : next)}
      />
    );
  });
}
