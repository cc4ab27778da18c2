import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Stack, Textarea, TextInput } from '@mantine/core';
import { useQuery } from 'urql';
import type { NumberProfileQuery } from '../../graphql/graphql';
import { valuesOf } from '../../shared/conditions';
import { Dialog } from '../../shared/dialog';
import { useForm } from '../../shared/form';
import { Lines, Refused, Trouble } from '../../shared/ui';
import { ProfileDocument, UpdateProfileDocument } from './documents';

type Props = { id: string; name: string; onClose: () => void };
type Known = Extract<NonNullable<NumberProfileQuery['node']>, { __typename: 'PhoneNumber' }>['profile'];

// Profile is what people see of a number in WhatsApp.
const Profile = ({ id, name, onClose }: Props) => {
  const { t } = useLingui();
  const [{ data, error }, again] = useQuery({
    query: ProfileDocument,
    variables: { id },
    requestPolicy: 'network-only',
  });
  const profile = data?.node?.__typename === 'PhoneNumber' ? data.node.profile : undefined;
  return (
    <Dialog title={t`Profile of ${name}`} onClose={onClose}>
      {error ? (
        <Trouble error={error} again={() => again()} />
      ) : data ? (
        <Form id={id} profile={profile} onClose={onClose} />
      ) : (
        <Lines count={6} />
      )}
    </Dialog>
  );
};

const Form = ({ id, profile, onClose }: { id: string; profile: Known | undefined; onClose: () => void }) => {
  const { t } = useLingui();
  const known = {
    about: profile?.about ?? '',
    description: profile?.description ?? '',
    address: profile?.address ?? '',
    email: profile?.email ?? '',
    websites: profile?.websites.join('\n') ?? '',
  };
  const form = useForm({
    name: `profile.${id}`,
    initial: known,
    document: UpdateProfileDocument,
    input: v => ({
      phoneNumberId: id,
      ...Object.fromEntries(
        (['about', 'description', 'address', 'email'] as const).flatMap(field =>
          v[field] === known[field] ? [] : [[field, v[field]]],
        ),
      ),
      ...(v.websites === known.websites ? {} : { websites: valuesOf(v.websites) }),
    }),
    payload: data => data.updateBusinessProfile,
    done: onClose,
  });
  return (
    <form {...form.props}>
      <Stack>
        <Refused>{form.wrong['']}</Refused>
        <TextInput label={t`About`} {...form.text('about')} />
        <Textarea label={t`Description`} rows={3} {...form.text('description')} />
        <TextInput label={t`Street address`} {...form.text('address')} />
        <TextInput label={t`E-mail address`} type="email" {...form.text('email')} />
        <Textarea label={t`Web pages, one a line, two at most`} rows={2} {...form.text('websites')} />
        <Button type="submit" loading={form.busy}>
          <Trans>Save</Trans>
        </Button>
      </Stack>
    </form>
  );
};

export default Profile;
