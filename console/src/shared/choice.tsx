import { NativeSelect, type NativeSelectProps } from '@mantine/core';

type Props = Omit<NativeSelectProps, 'data' | 'value' | 'onChange'> & {
  data: { value: string; label: string }[];
  value: string | null;
  any?: string; // what is called that none is chosen, where that may be
  onChange: (value: string | null) => void;
};

// Choice is one of several. It is the browser's own, which is small, known to every aid, and at
// home on a phone.
export const Choice = ({ any, value, data, onChange, ...rest }: Props) => (
  <NativeSelect
    {...rest}
    value={value ?? ''}
    data={any === undefined ? data : [{ value: '', label: any }, ...data]}
    onChange={event => onChange(event.currentTarget.value || null)}
  />
);
